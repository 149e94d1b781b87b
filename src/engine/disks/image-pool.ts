import { existsSync } from "node:fs";
import { mkdir, readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { isRoomy, isShort, requireFreeSpace } from "./disk-space.js";

/** Disks of sessions, and snapshots of them. */
export type ImageKind = "disks" | "snapshots";

/** Where images lie. */
export interface ImagePool {
  /** New ones are made in the first; what older engines made may lie in the others. */
  readonly roots: readonly [string, ...string[]];
  /** In the first, copies share what is in them. */
  readonly shares: boolean;
  /** Refuses where there is no room for another one; `trim` is to give back what lies in images and is nobody's, where that is needed. */
  requireRoom(trim: () => Promise<void>): Promise<void>;
  isShort(): Promise<boolean>;
  /** Nothing of it stays outside of the data directory where nothing uses it. */
  close(): Promise<void>;
}

/** Images as files of the data directory's own file system. */
export async function openPlainPool(dataDir: string, shares: boolean): Promise<ImagePool> {
  await makeKinds(dataDir);
  // The kernel's tables name mounts and images by their real paths.
  const root = await realpath(dataDir);
  const directory = join(root, "disks");
  return {
    roots: [root],
    shares,
    isShort: () => isShort(directory),
    async requireRoom(trim) {
      if (!(await isRoomy(directory))) await trim();
      await requireFreeSpace(directory);
    },
    close: async () => undefined,
  };
}

export async function makeKinds(root: string): Promise<void> {
  for (const kind of ["disks", "snapshots"] satisfies ImageKind[]) {
    await mkdir(join(root, kind), { recursive: true, mode: 0o700 });
  }
}

export const imageSuffix = ".img";

/** The image of this name, or where a new one belongs. */
export function imagePath({ roots }: ImagePool, kind: ImageKind, name: string): string {
  const [first, ...others] = roots.map((root) => join(root, kind, `${name}${imageSuffix}`)) as [string];
  return [first, ...others].find((path) => existsSync(path)) ?? first;
}

/** What is there of this kind, images and whatever else, each by its own name. */
export async function imageNames({ roots }: ImagePool, kind: ImageKind): Promise<Set<string>> {
  const names = await Promise.all(roots.map((root) => readdir(join(root, kind)).catch(() => [])));
  return new Set(names.flat());
}

/** A copy of the first shares with it what is in them. */
export const canShare = ({ roots: [first], shares }: ImagePool, image: string): boolean =>
  shares && image.startsWith(`${first}/`);
