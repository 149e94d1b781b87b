import { existsSync } from "node:fs";
import { mkdir, rmdir, statfs, unlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { TenkiError } from "../../domain/error.js";
import { readMountTable } from "../../lib/mount-table.js";
import { runProcess, tryProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import { waitUntil } from "../../lib/wait-until.js";
import { mend, syncFile } from "./kept-loop-disk.js";
import { type LoopDiskPlace, makeSparseFile } from "./loop-disk.js";
import { loopDevicesOf } from "./loop-devices.js";
import { syncFileSystem } from "./sync-file-system.js";

/**
 * Every volume's file system is made for the largest size, and holds back what is beyond the volume's own: so that
 * another size is one number, at once, in use or not, and nothing is moved that could be lost in between. What is not
 * written takes no room: 1.2 MB when it is new, for it is sparse, and so are its tables. A journal, unlike a
 * session's disk, and a sandbox's user who owns it.
 */
const imageBytes = 104 * 2 ** 30;
const blockBytes = 4_096;
/** All of them: what a newer mke2fs adds by itself, such as a file of orphans, takes room that is the volume's. */
const features = [
  ...[
    "none",
    "has_journal",
    "ext_attr",
    "dir_index",
    "filetype",
    "extent",
    "64bit",
    "flex_bg",
    "sparse_super",
  ],
  ...["large_file", "huge_file", "dir_nlink", "extra_isize", "metadata_csum"],
];
const formatOptions = [
  ...["-q", "-F", "-m", "0", "-b", String(blockBytes), "-i", "32768", "-J", "size=16"],
  ...["-O", features.join(",")],
  ...["-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=1000:1000"],
];

/** With barriers: what a sandbox has synced is on the medium. What is deleted inside is given back to the host. */
const mountOptions = "loop,nosuid,nodev,noexec,noatime,discard,noinit_itable,errors=remount-ro";

/** Makes and formats the file; a failure leaves nothing. */
export async function makeVolumeImage({ image }: LoopDiskPlace): Promise<void> {
  await makeSparseFile(image, imageBytes);
  try {
    await run(["mkfs.ext4", ...formatOptions, image]);
    await syncFile(image);
    await syncFile(dirname(image));
  } catch (error) {
    await unlink(image).catch(ignoreMissing);
    throw error;
  }
}

/** Mounts it, checked, unless it is, and holds it to `sizeBytes`. */
export async function openVolumeImage(place: LoopDiskPlace, sizeBytes: number): Promise<void> {
  const device = (await deviceOf(place)) ?? (await mountImage(place));
  await holdToSize(place, device, sizeBytes);
}

async function mountImage(place: LoopDiskPlace): Promise<string> {
  const { image, mountPoint } = place;
  if (!existsSync(image)) throw new TenkiError("data_loss", "the data of this volume are gone");
  // A namespace that is on its way out may have it still: then it is the same file system, and not to be checked.
  if ((await loopDevicesOf(image)).length === 0) await mend(image, "the volume");
  await mkdir(mountPoint, { recursive: true, mode: 0o700 });
  await run(["mount", "-t", "ext4", "-o", mountOptions, image, mountPoint]);
  const device = await deviceOf(place);
  if (device === undefined) throw new TenkiError("internal", "a volume was mounted, and is not there");
  // Cached once, by the volume's own file system; where the host's cannot do that, twice.
  await tryProcess(["losetup", "--direct-io=on", device], { env: { ...systemEnvironment } });
  // By its name alone, which is no way into what lies there.
  await rmdir(join(mountPoint, "lost+found")).catch(() => undefined);
  return device;
}

/** What the kernel holds back is held back from everybody, root inside included. */
async function holdToSize({ mountPoint }: LoopDiskPlace, device: string, sizeBytes: number): Promise<void> {
  const { blocks } = await statfs(mountPoint);
  const heldBack = blocks - Math.floor(sizeBytes / blockBytes);
  try {
    await writeFile(join("/sys/fs/ext4", basename(device), "reserved_clusters"), String(heldBack), {
      flag: "r+",
    });
  } catch (cause) {
    throw new TenkiError("failed_precondition", "this volume cannot be held to its size here", {
      cause,
      hint: "give the engine a /sys that can be written to",
    });
  }
}

export async function usedBytesOf(place: LoopDiskPlace): Promise<number | undefined> {
  if ((await deviceOf(place)) === undefined) return undefined;
  const { bsize, blocks, bfree } = await statfs(place.mountPoint);
  return (blocks - bfree) * bsize;
}

/** Long enough for a namespace that has just ended to let go; then it does so later. */
const detachTimeoutMs = 5_000;

/** Writes out and unmounts. */
export async function closeVolumeImage(place: LoopDiskPlace): Promise<void> {
  if ((await deviceOf(place)) !== undefined) {
    await syncFileSystem(place.mountPoint);
    await run(["umount", place.mountPoint]);
    const isFree = async () => ((await loopDevicesOf(place.image)).length === 0 ? true : undefined);
    await waitUntil(isFree, { timeoutMs: detachTimeoutMs, intervalMs: 2 });
  }
  await rmdir(place.mountPoint).catch(ignoreMissing);
}

export async function removeVolumeImage(place: LoopDiskPlace): Promise<void> {
  await closeVolumeImage(place);
  await unlink(place.image).catch(ignoreMissing);
}

async function deviceOf({ mountPoint }: LoopDiskPlace): Promise<string | undefined> {
  return (await readMountTable()).find((mount) => mount.mountPoint === mountPoint)?.source;
}

async function run(argv: readonly string[]): Promise<void> {
  await runProcess(argv, { env: { ...systemEnvironment } });
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}
