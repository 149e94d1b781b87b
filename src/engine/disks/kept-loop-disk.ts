import { existsSync } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { TenkiError } from "../../domain/error.js";
import { tryProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import { isMounted, type LoopDiskPlace, mountLoopDisk } from "./loop-disk.js";
import { syncFileSystem } from "./sync-file-system.js";

/** Writes out what is on the disk, then the image that holds it, then the name of the image. */
export async function persistLoopDisk({ image, mountPoint }: LoopDiskPlace): Promise<void> {
  await syncFileSystem(mountPoint);
  await syncFile(image);
  await syncFile(dirname(image));
}

export async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Mounts a disk that is there and not open, checked and mended where the machine went down with it. */
export async function reopenLoopDisk(place: LoopDiskPlace): Promise<void> {
  if (await isMounted(place)) return;
  if (!existsSync(place.image)) throw new TenkiError("data_loss", "its disk is gone");
  await mend(place.image, "its disk");
  await mkdir(place.mountPoint, { recursive: true, mode: 0o755 });
  await mountLoopDisk(place);
}

/** A large disk with many files takes its time. */
const mendTimeoutMs = 10 * 60_000;

/** From here on its exit codes tell of what is left to be mended. */
const unmended = 4;

/**
 * Finishes what was under way when it was lost, and mends what can be mended without a question; `what` and `hint`: for
 * the message.
 */
export async function mend(image: string, what: string, hint = `e2fsck ${image}`): Promise<void> {
  const argv = ["e2fsck", "-p", image];
  const result = await tryProcess(argv, { env: { ...systemEnvironment }, timeoutMs: mendTimeoutMs });
  if (result.exitCode < unmended) return;
  const said = (result.stderr.trim() || result.stdout.trim()).split("\n").at(-1) ?? "";
  throw new TenkiError("data_loss", `${what} is damaged: ${said}`, { hint });
}
