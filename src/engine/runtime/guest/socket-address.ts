import { closeSync, constants, openSync } from "node:fs";
import { basename, dirname } from "node:path";

/** What the kernel takes as a unix socket's path, without the NUL. */
const socketPathBytesMax = 107;

/** An address for a socket however long its path is; `release` it once connected. */
export function openSocketAddress(path: string): { readonly path: string; readonly release: () => void } {
  if (Buffer.byteLength(path) <= socketPathBytesMax) return { path, release: () => undefined };
  const directory = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  let open = true;
  return {
    path: `/proc/self/fd/${directory}/${basename(path)}`,
    release() {
      if (open) closeSync(directory);
      open = false;
    },
  };
}
