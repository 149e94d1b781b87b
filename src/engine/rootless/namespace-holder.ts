import { spawn } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { engineFiles } from "../../domain/engine-state.js";
import { writeFileAtomic } from "../../lib/atomic-file.js";
import { isSameProcess, type ProcessIdentity, readProcessIdentity } from "../../lib/process-identity.js";

/**
 * Keeps this engine's user and mount namespace alive after it: a process that does nothing but be there.
 * The next engine enters the same namespaces, and finds its sandboxes' mounts and networks in them.
 */
export async function holdNamespaces(dataDir: string): Promise<void> {
  if ((await readHolder(dataDir)) !== undefined) return;
  const child = spawn("sleep", ["infinity"], { detached: true, stdio: "ignore", cwd: "/" });
  const identity = child.pid === undefined ? undefined : readProcessIdentity(child.pid);
  if (identity === undefined) throw new Error("cannot start the process that keeps the namespaces");
  child.unref();
  await writeFileAtomic(join(dataDir, engineFiles.holder), JSON.stringify(identity));
}

/** Lets go of them, once nothing lives in them any more. */
export async function releaseNamespaces(dataDir: string): Promise<void> {
  const holder = await readHolder(dataDir);
  if (holder !== undefined) process.kill(holder.pid, "SIGKILL");
  await rm(join(dataDir, engineFiles.holder), { force: true });
}

async function readHolder(dataDir: string): Promise<ProcessIdentity | undefined> {
  const text = await readFile(join(dataDir, engineFiles.holder), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const holder = JSON.parse(text) as ProcessIdentity;
  return isSameProcess(holder) ? holder : undefined;
}
