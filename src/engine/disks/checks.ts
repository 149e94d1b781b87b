import { existsSync } from "node:fs";
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Finding } from "../core/finding.js";
import { makeLoopDisk, removeLoopDisk } from "./loop-disk.js";

const trialSizeBytes = 16 * 2 ** 20;

/** Whether a disk whose size holds can be made here: one is. */
export async function checkDisks(): Promise<Finding[]> {
  const problem = await tryDisk();
  return [
    {
      name: "disk quota",
      ok: problem === undefined,
      required: false,
      detail: problem ?? "disk images can be formatted and mounted",
      hint: problem === undefined ? undefined : hintFor(problem),
    },
  ];
}

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
