import { rename, rm, stat, statfs, truncate } from "node:fs/promises";
import { dirname } from "node:path";
import { TenkiError } from "../../domain/error.js";
import { mountsBelow, readMountTable } from "../../lib/mount-table.js";
import { runProcess, tryProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import { waitUntil } from "../../lib/wait-until.js";
import { syncFile } from "./kept-loop-disk.js";
import { makeSparseFile } from "./loop-disk.js";
import { loopDevicesOf } from "./loop-devices.js";

export interface PoolPlace {
  readonly file: string;
  readonly mountPoint: string;
}

/**
 * What is formatted and how it is mounted. The log is written ahead, so that it has its room whatever becomes of the
 * host's disk; nothing else is. What is deleted is given back to the host.
 */
const formatOptions = ["-q", "-K", "-m", "reflink=1,rmapbt=0", "-l", "size=64m"];
const mountOptions = "loop,noatime,nouuid,discard,nosuid,nodev,noexec";

const GiB = 2 ** 30;
/** A file system of fewer bytes is not made by its own tools; of more, a file does not hold on every host. */
const sizeBounds = { least: GiB, most: 8 * 2 ** 40 };

/** As large as the file system that it lies on: what of it there is room for, the ballast says. */
async function poolSizeBytes(file: string): Promise<number> {
  const { blocks, bsize } = await statfs(dirname(file));
  const rounded = Math.floor((blocks * bsize) / GiB) * GiB;
  return Math.min(Math.max(rounded, sizeBounds.least), sizeBounds.most);
}

/** Makes and formats the file; a failure leaves nothing. */
export async function makePoolFile({ file }: PoolPlace): Promise<void> {
  const unfinished = `${file}.new`;
  await rm(unfinished, { force: true });
  try {
    await makeSparseFile(unfinished, await poolSizeBytes(file));
    await run(["mkfs.xfs", ...formatOptions, unfinished]);
    await syncFile(unfinished);
    await rename(unfinished, file);
    await syncFile(dirname(file));
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

/** Mounts it unless it is, and lets it grow with what it lies on. */
export async function mountPoolFile(place: PoolPlace): Promise<void> {
  const { file, mountPoint } = place;
  if (!(await isPoolMounted(place))) {
    try {
      await run(["mount", "-t", "xfs", "-o", mountOptions, file, mountPoint]);
    } catch (cause) {
      throw new TenkiError("data_loss", `the pool of disks is damaged: ${file}`, {
        cause,
        hint: `xfs_repair ${file}`,
      });
    }
  }
  const device = (await readMountTable()).find((mount) => mount.mountPoint === mountPoint)?.source ?? "";
  // Cached once, by the pool's own file system; where the host's cannot do that, twice.
  await tryProcess(["losetup", "--direct-io=on", device], { env: { ...systemEnvironment } });
  const size = await poolSizeBytes(file);
  if ((await stat(file)).size >= size) return;
  await truncate(file, size);
  await run(["losetup", "--set-capacity", device]);
  await run(["xfs_growfs", "-d", mountPoint]);
}

export const isPoolMounted = async ({ mountPoint }: PoolPlace): Promise<boolean> =>
  (await readMountTable()).some((mount) => mount.mountPoint === mountPoint);

/** Long enough for the kernel to let go of images after the last of their mounts. */
const detachTimeoutMs = 5_000;

/** Writes out and unmounts; false where something uses it. */
export async function unmountPoolFile(place: PoolPlace): Promise<boolean> {
  const dataDir = dirname(place.file);
  const others = (await mountsBelow(dataDir)).filter(({ mountPoint }) => mountPoint !== dataDir);
  if (others.some(({ mountPoint }) => mountPoint !== place.mountPoint)) return false;
  const isUnmounted = async () => {
    if (!(await isPoolMounted(place))) return true;
    await tryProcess(["umount", place.mountPoint], { env: { ...systemEnvironment } });
    return (await isPoolMounted(place)) ? undefined : true;
  };
  if ((await waitUntil(isUnmounted, { timeoutMs: detachTimeoutMs })) !== true) return false;
  const isFree = async () => ((await loopDevicesOf(place.file)).length === 0 ? true : undefined);
  await waitUntil(isFree, { timeoutMs: detachTimeoutMs, intervalMs: 2 });
  return true;
}

async function run(argv: readonly string[]): Promise<void> {
  await runProcess(argv, { env: { ...systemEnvironment } });
}
