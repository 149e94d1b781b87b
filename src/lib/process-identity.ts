import { readFileSync } from "node:fs";

/** A process named for good: a pid alone is given to another one day. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Its start, in clock ticks since boot. */
  readonly startTicks: string;
}

/** Undefined where no such process runs (a zombie does not run). */
export function readProcessIdentity(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses, which may hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state] = fields;
    const startTicks = fields[19];
    return startTicks === undefined || state === "Z" ? undefined : { pid, startTicks };
  } catch {
    return undefined;
  }
}

export const isSameProcess = (identity: ProcessIdentity): boolean =>
  readProcessIdentity(identity.pid)?.startTicks === identity.startTicks;
