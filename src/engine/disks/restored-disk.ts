import { stat, truncate } from "node:fs/promises";
import { runProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import { cloneFile } from "./clone-file.js";
import { type LoopDiskPlace, openMadeDisk, removeLoopDisk } from "./loop-disk.js";

/** Moving what is in the way of a larger file system takes its time. */
const growTimeoutMs = 10 * 60_000;

/** Mounts a copy of an image that was closed properly, as large as asked for, or as it is. A failure leaves nothing. */
export async function restoreLoopDisk(
  place: LoopDiskPlace,
  from: { readonly image: string; readonly shares: boolean },
  sizeBytes: number,
): Promise<void> {
  await cloneFile(from.image, place.image, from.shares);
  try {
    if ((await stat(place.image)).size < sizeBytes) {
      await truncate(place.image, sizeBytes);
      const argv = ["resize2fs", place.image];
      await runProcess(argv, { env: { ...systemEnvironment }, timeoutMs: growTimeoutMs });
    }
  } catch (error) {
    await removeLoopDisk(place);
    throw error;
  }
  await openMadeDisk(place);
}
