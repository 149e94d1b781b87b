/**
 * The name of an engine's unix socket in its data directory: its port once more, for its own user, without a network in
 * between. `mark` is the engine's own, so that another one's at the same place on another machine is not taken for it.
 */
export const localSocketName = (mark: string): string => `engine-${mark}.sock`;
export const localSocketPattern = /^engine-[0-9a-f]{16}\.sock$/;
