import { mountsBelow } from "../../lib/mount-table.js";
import type { Logger } from "../../lib/logger.js";
import { runProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import type { TakenSnapshot } from "../core/ports/snapshot-disks.js";
import type { LoopDiskPlace } from "./loop-disk.js";

export interface CopyStillOptions {
  readonly guestBinary: string;
  readonly place: LoopDiskPlace;
  /** Exists, and is empty: where it is removed meanwhile, nothing comes in its place. */
  readonly file: string;
  /** Else writers wait for as long as all of it is copied. */
  readonly shares: boolean;
  readonly log: Logger;
}

/** What is to be written out first may be gigabytes. */
const copyTimeoutMs = 20 * 60_000;

/**
 * Copies a disk's image as at one moment. By a program of its own, since what it holds has to be let go whatever becomes
 * of this process in the middle.
 */
export async function copyStill(options: CopyStillOptions): Promise<TakenSnapshot> {
  const { guestBinary, place, file, shares, log } = options;
  const how = shares ? "share" : "copy";
  const argv = [guestBinary, "clone-disk", place.mountPoint, place.image, file, how];
  const said = await runProcess(argv, { env: { ...systemEnvironment }, timeoutMs: copyTimeoutMs });
  const [sizeBytes = 0, waitedUs = 0] = said.trim().split(" ").map(Number);
  log.info("a disk was copied", { image: place.image, sizeBytes, writersWaitedMs: waitedUs / 1_000 });
  return { sizeBytes };
}

/** After an engine that was lost together with all that it started: whoever waits to write goes on. */
export async function letWritersGoOn(guestBinary: string, directory: string): Promise<void> {
  const mounted = (await mountsBelow(directory)).map(({ mountPoint }) => mountPoint);
  if (mounted.length === 0) return;
  await runProcess([guestBinary, "thaw-disks", ...mounted], { env: { ...systemEnvironment } });
}
