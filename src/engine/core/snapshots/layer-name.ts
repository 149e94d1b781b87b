/** How the writable layer over an image's part is called on a session's disk: `root` for `/`, else by where it is mounted. */
export const layerName = (target: string): string =>
  target === "/" ? "root" : target.slice(1).replaceAll("/", "-");
