import { chmod, chown, mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ImageMount } from "../core/ports/images.js";
import { layerName } from "../core/snapshots/layer-name.js";

/** An overlay that is ready to be mounted. */
export interface Overlay {
  readonly target: string;
  /** What `mount -o` takes. */
  readonly options: string;
}

/**
 * Makes the writable layers on the session's disk (none are lost that are there already) and says how to
 * mount an image over them.
 */
export async function prepareOverlays(
  mounts: readonly ImageMount[],
  diskDirectory: string,
  rootDirectory: string,
  rootless: boolean,
): Promise<Overlay[]> {
  return Promise.all(
    mounts.map(async ({ target, lowerDirectories }) => {
      const name = layerName(target);
      const upper = join(diskDirectory, name);
      const work = join(diskDirectory, `${name}.work`);
      await makeLike(upper, lowerDirectories[0]);
      await mkdir(work, { recursive: true, mode: 0o700 });
      const layers = [`lowerdir=${lowerDirectories.join(":")}`, `upperdir=${upper}`, `workdir=${work}`];
      const options = [...layers, ...(rootless ? rootlessOptions : rootOptions)].join(",");
      return { target: join(rootDirectory, target), options };
    }),
  );
}

/** A merged directory's owner and mode are those of its top layer. */
async function makeLike(directory: string, model: string | undefined): Promise<void> {
  if ((await mkdir(directory, { recursive: true })) === undefined) return;
  const { mode, uid, gid } = model === undefined ? { mode: 0o755, uid: 0, gid: 0 } : await stat(model);
  await chown(directory, uid, gid);
  await chmod(directory, mode & 0o7777);
}

/** Directories of the image can be renamed, as programs expect; what marks them only the kernel can write. */
const rootOptions = ["redirect_dir=on", "index=off"];

/** In a user namespace the kernel keeps its marks where a user may write, and trusts none that would lead elsewhere. */
const rootlessOptions = ["userxattr", "index=off"];

/** What would end an option, or a layer, in the middle of a path. */
export const pathFitsOverlay = (path: string): boolean => !/[:,"\\]/.test(path);
