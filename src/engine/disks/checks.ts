import { existsSync } from "node:fs";
import { mkdtemp, rm, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "../../lib/logger.js";
import type { Finding } from "../core/finding.js";
import { openImagePool } from "./open-image-pool.js";
import { makeLoopDisk, removeLoopDisk } from "./loop-disk.js";

const trialSizeBytes = 16 * 2 ** 20;

/** Whether a disk whose size holds can be made here: one is. */
export async function checkDisks(): Promise<Finding[]> {
  const problem = await tryDisk();
  const copiesBecause = await tryPool();
  return [
    {
      name: "disk quota",
      ok: problem === undefined,
      required: false,
      detail: problem ?? "disk images can be formatted and mounted",
      hint: problem === undefined ? undefined : hintFor(problem),
    },
    {
      name: "disk clones",
      ok: copiesBecause === undefined,
      required: false,
      detail:
        copiesBecause === undefined
          ? "snapshots share with disks what did not change"
          : `snapshots are whole copies, for which writers wait: ${copiesBecause}`,
      hint: copiesBecause === undefined ? undefined : cloneHintFor(copiesBecause),
    },
  ];
}

/** Why images would have to be copied whole. */
async function tryPool(): Promise<string | undefined> {
  const directory = await mkdtemp(join(tmpdir(), "tenki-pool-"));
  try {
    const { pool, copiesBecause } = await openImagePool({ dataDir: directory, log: silentLogger });
    await pool.close();
    return copiesBecause;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await rm(directory, { recursive: true });
  }
}

const cloneHintFor = (why: string): string =>
  /mkfs\.xfs is missing/.test(why)
    ? "apt-get install xfsprogs; or keep the engine's --data-dir on XFS or Btrfs"
    : "modprobe xfs; or keep the engine's --data-dir on XFS or Btrfs";

async function tryDisk(): Promise<string | undefined> {
  const directory = await mkdtemp(join(tmpdir(), "tenki-disk-"));
  const place = { image: join(directory, "trial.img"), mountPoint: join(directory, "trial") };
  try {
    await makeLoopDisk(place, trialSizeBytes);
    await removeLoopDisk(place);
    return undefined;
  } catch (error) {
    return error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
  } finally {
    await rmdir(directory);
  }
}

function hintFor(problem: string): string {
  if (/mkfs\.ext4.*ENOENT/.test(problem)) return "apt-get install e2fsprogs";
  if (!existsSync("/dev/loop-control")) return "modprobe loop (in a container: give it /dev/loop-control)";
  return "run the engine as root; without loop devices, disks are plain directories without a bound";
}
