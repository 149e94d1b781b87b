/** One overlay of a root file system: the layers, top first, that lie below the session's writable one. */
export interface ImageMount {
  /** Where in the sandbox: `/` first, then what is mounted over it. */
  readonly target: string;
  readonly lowerDirectories: readonly string[];
}

export interface Image {
  readonly name: string;
  readonly mounts: readonly ImageMount[];
}

/** Turns the name of an image into layers on this machine. */
export interface Images {
  /** Builds or fetches it where it is not there yet. An unknown name is `not_found`. */
  resolve(name: string): Promise<Image>;
}
