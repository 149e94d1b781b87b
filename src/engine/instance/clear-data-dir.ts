import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { engineFiles } from "../../domain/engine-state.js";
import { mountsBelow } from "../../lib/mount-table.js";
import { lockName } from "./instance-lock.js";

/**
 * A first start that failed leaves the data directory as it found it: empty. For who holds the lock, which
 * goes last. What is mounted below is not the engine's to remove: then nothing is.
 */
export async function clearDataDir(dataDir: string): Promise<void> {
  const mounts = await mountsBelow(dataDir);
  if (mounts.some(({ mountPoint }) => mountPoint !== dataDir)) return;
  const names = (await readdir(dataDir)).filter((name) => name !== lockName && name !== engineFiles.output);
  for (const name of [...names, lockName]) await rm(join(dataDir, name), { recursive: true, force: true });
}
