import { readdirSync, readFileSync } from "node:fs";
import { waitUntil } from "../../lib/wait-until.js";

const killTimeoutMs = 10_000;

/** Kills every process that has `name=value` in the environment it was started with, and those it starts meanwhile. */
export async function killMarked(name: string, value: string): Promise<void> {
  await waitUntil(
    () => {
      const pids = findMarked(name, value);
      for (const pid of pids) kill(pid, "SIGKILL");
      return pids.length === 0 ? true : undefined;
    },
    { timeoutMs: killTimeoutMs },
  );
}

function findMarked(name: string, value: string): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => pid !== process.pid && environmentOf(pid).includes(`${name}=${value}`));
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return []; // it has ended, or is another user's
  }
}

/** The processes that `pid` started, and those that they did. */
export function descendantsOf(pid: number): number[] {
  const found: number[] = [];
  for (let queue = [pid]; queue.length > 0;) {
    const children = queue.flatMap(childrenOf);
    found.push(...children);
    queue = children;
  }
  return found;
}

function childrenOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return children.split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** A process that has ended meanwhile is what was wanted. */
export function kill(pid: number, signal: NodeJS.Signals | number): void {
  try {
    process.kill(pid, signal);
  } catch {
    // gone
  }
}
