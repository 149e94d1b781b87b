import { mkdir, open, readFile, rmdir, truncate, unlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { readMountTable } from "../../lib/mount-table.js";
import { runProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import { waitUntil } from "../../lib/wait-until.js";

export interface LoopDiskPlace {
  readonly image: string;
  readonly mountPoint: string;
}

/**
 * What is formatted and how it is mounted. Only a paused session outlives the machine's uptime, and its disk is
 * written out when it is paused; so nothing else is spent on surviving a power cut: no journal, no flushes to the
 * medium. What a sandbox has synced survives everything that the session itself does. No room is reserved for root, none of it is
 * written ahead of need, and nothing on it is a program, a device or a privilege to the host: the sandbox
 * sees it through an overlay of its own.
 */
export const formatOptions = [
  "-q",
  "-F",
  "-m",
  "0",
  "-O",
  "^has_journal,^resize_inode",
  "-E",
  "lazy_itable_init=1",
];
const mountOptions = "loop,nosuid,nodev,noexec,noatime,nobarrier,noinit_itable";

/** Makes a sparse file of this size, formats and mounts it. A failure leaves nothing. */
export async function makeLoopDisk(place: LoopDiskPlace, sizeBytes: number): Promise<void> {
  try {
    await formatSparseFile(place.image, sizeBytes);
  } catch (error) {
    await removeLoopDisk(place);
    throw error;
  }
  await openMadeDisk(place);
}

export async function formatSparseFile(path: string, sizeBytes: number): Promise<void> {
  await makeSparseFile(path, sizeBytes);
  await run(["mkfs.ext4", ...formatOptions, path]);
}

export async function mountLoopDisk({ image, mountPoint }: LoopDiskPlace): Promise<void> {
  await run(["mount", "-t", "ext4", "-o", mountOptions, image, mountPoint]);
}

export const isMounted = async ({ mountPoint }: LoopDiskPlace): Promise<boolean> =>
  (await readMountTable()).some((mount) => mount.mountPoint === mountPoint);

export async function makeSparseFile(path: string, sizeBytes: number): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.truncate(sizeBytes);
  } finally {
    await file.close();
  }
}

/** Mounts a formatted image. A failure leaves nothing. */
export async function openMadeDisk(place: LoopDiskPlace): Promise<void> {
  try {
    await mkdir(place.mountPoint, { mode: 0o755 });
    await mountLoopDisk(place);
    await rmdir(join(place.mountPoint, "lost+found")).catch(ignoreMissing);
  } catch (error) {
    await removeLoopDisk(place);
    throw error;
  }
}

/** Unmounts, detaches and deletes, whatever of it is there. */
export async function removeLoopDisk(place: LoopDiskPlace): Promise<void> {
  const mounts = (await readMountTable()).filter(({ mountPoint }) => mountPoint === place.mountPoint);
  for (const { source } of mounts.toReversed()) {
    await unmount(place.mountPoint);
    await untilDetached(source, place.image);
  }
  await rmdir(place.mountPoint).catch(ignoreMissing);
  // Somebody's mount namespace may keep the file in use: its room is given back at once all the same.
  await truncate(place.image).catch(ignoreMissing);
  await unlink(place.image).catch(ignoreMissing);
}

async function unmount(mountPoint: string): Promise<void> {
  // Somebody on the host who looks into it keeps it busy; then it goes when they leave.
  await run(["umount", mountPoint]).catch(() => run(["umount", "--lazy", mountPoint]));
}

const detachTimeoutMs = 1_000;

/** The kernel detaches a loop device by itself, after its last user: a namespace that has just ended may be one. */
async function untilDetached(device: string, image: string): Promise<void> {
  const backingFile = join("/sys/block", basename(device), "loop/backing_file");
  await waitUntil(
    async () =>
      (await readFile(backingFile, "utf8").catch(() => "")).trimEnd() === image ? undefined : true,
    { timeoutMs: detachTimeoutMs, intervalMs: 2 },
  );
}

async function run(argv: readonly string[]): Promise<void> {
  await runProcess(argv, { env: { ...systemEnvironment } });
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
