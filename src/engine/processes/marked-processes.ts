import { readdirSync, readFileSync } from "node:fs";
import { waitUntil } from "../../lib/wait-until.js";

const killTimeoutMs = 10_000;
const stopTimeoutMs = 5_000;

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

/** Stops every such process, and those it starts meanwhile, until a look finds none that goes on. */
export async function stopMarked(name: string, value: string): Promise<boolean> {
  const stopped = await waitUntil(
    () => {
      const going = findMarked(name, value).filter((pid) => !isStopped(pid));
      for (const pid of going) kill(pid, "SIGSTOP");
      return going.length === 0 ? true : undefined;
    },
    { timeoutMs: stopTimeoutMs },
  );
  return stopped === true;
}

export const areMarkedStopped = (name: string, value: string): boolean =>
  findMarked(name, value).every(isStopped);

export function continueMarked(name: string, value: string): void {
  for (const pid of findMarked(name, value)) kill(pid, "SIGCONT");
}

/** One that has ended, and waits for its parent, stands still for good. */
function isStopped(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return "TtZX".includes(stat.charAt(stat.lastIndexOf(")") + 2));
  } catch {
    return true; // it has ended
  }
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
