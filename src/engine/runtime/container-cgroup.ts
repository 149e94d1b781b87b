import { rmdirSync } from "node:fs";
import { readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { waitUntil } from "../../lib/wait-until.js";

const removeTimeoutMs = 5_000;

/**
 * Ends whatever still runs in a cgroup and removes it from every hierarchy. Usually the runtime has done
 * so, and this is a few failed look-ups. False where it is still there after a while.
 */
export async function removeCgroup(hierarchies: readonly string[], path: string): Promise<boolean> {
  const removed = await Promise.all(hierarchies.map((root) => removeDirectory(join(root, path))));
  return removed.every(Boolean);
}

/**
 * Removes a cgroup in which no other is left. At once, so that its caller can be sure that nobody of ours
 * begins to make another in it meanwhile.
 */
export function removeEmptyCgroup(hierarchies: readonly string[], path: string): void {
  for (const root of hierarchies) {
    try {
      rmdirSync(join(root, path));
    } catch {
      // It is in use, or not there.
    }
  }
}

/** The names below a cgroup, in whichever hierarchy they are left. */
export async function cgroupChildren(hierarchies: readonly string[], path: string): Promise<string[]> {
  const names = await Promise.all(hierarchies.map((root) => subdirectories(join(root, path))));
  return [...new Set(names.flat())];
}

async function removeDirectory(directory: string): Promise<boolean> {
  const gone = await waitUntil(async () => ((await tryRemove(directory)) ? true : undefined), {
    timeoutMs: removeTimeoutMs,
    intervalMs: 2,
  });
  return gone === true;
}

async function tryRemove(directory: string): Promise<boolean> {
  try {
    await rmdir(directory);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return true;
  }
  for (const child of await subdirectories(directory)) await tryRemove(join(directory, child));
  await killMembers(directory);
  return false;
}

async function killMembers(directory: string): Promise<void> {
  const members = await readFile(join(directory, "cgroup.procs"), "utf8").catch(() => "");
  // Version 2 kills as a whole, so that a fork bomb cannot outrun it.
  if (members !== "") await writeFile(join(directory, "cgroup.kill"), "1").catch(() => undefined);
  for (const line of members.split("\n")) {
    const pid = Number(line);
    // 0 is a process of another PID namespace than ours.
    if (pid > 0) kill(pid);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

async function subdirectories(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException).code;
