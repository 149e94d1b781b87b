import { statfs } from "node:fs/promises";
import { TenkiError } from "../../domain/error.js";
import { formatByteSize } from "../../lib/byte-size.js";

/** Below this a new disk would be a promise that breaks with the first files. */
const leastFreeBytes = 64 * 2 ** 20;

/** Of so much room others can take all while a file is written. */
const shortBytes = 2 ** 30;

/** `besides`: what has to be left free there. Default 0. */
export async function requireFreeSpace(directory: string, besides = 0): Promise<void> {
  const missing = await missingBytes(directory, besides);
  if (missing > 0) throw noSpaceLeft(directory, undefined, Math.max(missing, leastFreeBytes));
}

/** The same, as an answer. */
export const isRoomy = async (directory: string, besides = 0): Promise<boolean> =>
  (await missingBytes(directory, besides)) <= 0;

export const isShort = async (directory: string): Promise<boolean> => !(await isRoomy(directory, shortBytes));

async function missingBytes(directory: string, besides: number): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return besides + leastFreeBytes - bavail * bsize;
}

/** `error` as a full disk, where it tells of one. */
export function asDiskError(error: unknown, directory: string): unknown {
  const full =
    (error as NodeJS.ErrnoException).code === "ENOSPC" || /no space left on device/i.test(String(error));
  return full ? noSpaceLeft(directory, error) : error;
}

export const noSpaceLeft = (directory: string, cause?: unknown, missing = leastFreeBytes): TenkiError =>
  new TenkiError("resource_exhausted", `no space left in ${directory}`, {
    hint: `free at least ${formatByteSize(missing)} there, or give the engine another --data-dir`,
    cause,
  });
