import { mkdir, open, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { waitUntil } from "./wait-until.js";

/** A lock older than this was left by a process that has died: nobody holds one for so long. */
const staleMs = 10_000;
const waitMs = 15_000;

/** Runs `action` while no other process runs one for the same path. */
export async function withFileLock<T>(path: string, action: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const taken = await waitUntil(() => tryLock(lock), { timeoutMs: waitMs });
  if (taken === undefined) throw new Error(`another process holds ${lock}`);
  try {
    return await action();
  } finally {
    await unlink(lock).catch(() => undefined);
  }
}

async function tryLock(lock: string): Promise<true | undefined> {
  try {
    await (await open(lock, "wx", 0o600)).close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const held = await stat(lock).catch(() => undefined);
    if (held !== undefined && Date.now() - held.mtimeMs > staleMs) await unlink(lock).catch(() => undefined);
    return undefined;
  }
}
