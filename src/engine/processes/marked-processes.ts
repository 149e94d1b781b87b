import { readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { waitUntil } from "../../lib/wait-until.js";

const killTimeoutMs = 10_000;
const stopTimeoutMs = 5_000;

/** Kills every process that has `name=value` in the environment it was started with, and those it starts meanwhile. */
export async function killMarked(name: string, value: string): Promise<void> {
  await untilNoneIsLeft(killTimeoutMs, () => {
    const pids = findMarked(name, value);
    for (const pid of pids) kill(pid, "SIGKILL");
    return pids;
  });
}

/** Stops every such process, and those it starts meanwhile; false where one goes on. */
export function stopMarked(name: string, value: string): Promise<boolean> {
  return untilNoneIsLeft(stopTimeoutMs, () => {
    const going = findMarked(name, value).filter((pid) => !isStopped(pid));
    for (const pid of going) kill(pid, "SIGSTOP");
    return going;
  });
}

/** Two looks that find none: who becomes another program has, for a moment, no environment to be known by. */
async function untilNoneIsLeft(timeoutMs: number, look: () => readonly number[]): Promise<boolean> {
  let empty = 0;
  const done = await waitUntil(
    () => {
      empty = look().length === 0 ? empty + 1 : 0;
      return empty === 2 ? true : undefined;
    },
    { timeoutMs },
  );
  return done === true;
}

export const areMarkedStopped = (name: string, value: string): boolean =>
  findMarked(name, value).every(isStopped);

export function continueMarked(name: string, value: string): void {
  for (const pid of findMarked(name, value)) kill(pid, "SIGCONT");
}

/**
 * One that has ended, and waits for its parent, stands still for good. One that the kernel holds (it waits for a disk, or
 * as the parent of a vfork for a child that is stopped itself) does so too once its SIGSTOP is there: it does nothing more
 * of its own before that.
 */
function isStopped(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const state = /^State:\s+(\S)/m.exec(status)?.[1] ?? "";
    return "TtZX".includes(state) || (state === "D" && isStopPending(status));
  } catch {
    return true; // it has ended
  }
}

function isStopPending(status: string): boolean {
  const pending = /^ShdPnd:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
  return ((BigInt(`0x${pending}`) >> BigInt(constants.signals.SIGSTOP - 1)) & 1n) === 1n;
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
