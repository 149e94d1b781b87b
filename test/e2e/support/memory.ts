import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { ended } from "./tenki.js";

/** The highest resident memory, in MB, that a process is seen with until `child` (or it itself) ends. */
export async function peakMemoryMb(subject: ChildProcess | number, child?: ChildProcess): Promise<number> {
  const until = child ?? (subject as ChildProcess);
  const pid = typeof subject === "number" ? subject : (subject.pid ?? 0);
  let peakKb = 0;
  const look = setInterval(() => (peakKb = Math.max(peakKb, residentKb(pid))), 50);
  const code = await ended(until);
  clearInterval(look);
  if (code !== 0) throw new Error(`it ended with ${code}`);
  return peakKb / 1_000;
}

/** 0 for a process that is no more. */
export function residentKb(pid: number | string): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
