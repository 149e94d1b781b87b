import { existsSync, readFileSync } from "node:fs";
import { isRootless } from "../rootless/is-rootless.js";

/** What this machine, and the rights that we have on it, give to a sandbox. */
export interface Machine {
  /** Node's name for the processor. */
  readonly architecture: string;
  readonly boundsSwap: boolean;
  readonly hasCgroupNamespace: boolean;
  /** We are root in a user namespace only, and what belongs to the machine's root is out of our reach. */
  readonly rootless: boolean;
  /** We may raise limits (CAP_SYS_RESOURCE); some containers' root may not. */
  readonly ownsLimits: boolean;
  readonly maxOpenFiles: number;
  readonly maxUserProcesses: number;
}

export function readMachine(architecture: string, boundsSwap: boolean): Machine {
  const rootless = isRootless();
  const ownsLimits = !rootless && hasCapability(capSysResource);
  const limits = readFileSync("/proc/self/limits", "utf8");
  return {
    architecture,
    boundsSwap,
    hasCgroupNamespace: existsSync("/proc/self/ns/cgroup"),
    rootless,
    ownsLimits,
    maxOpenFiles: ownsLimits
      ? Number(readFileSync("/proc/sys/fs/nr_open", "utf8"))
      : hardLimit(limits, "Max open files"),
    maxUserProcesses: ownsLimits ? unlimited : hardLimit(limits, "Max processes"),
  };
}

const capSysResource = 24;

function hasCapability(number: number): boolean {
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return ((BigInt(`0x${mask}`) >> BigInt(number)) & 1n) === 1n;
}

/** The real one is 2^64 - 1, which a JavaScript number cannot hold; so much of anything nobody has either. */
const unlimited = Number.MAX_SAFE_INTEGER;

/** The second number of a line of /proc/self/limits. */
function hardLimit(limits: string, name: string): number {
  const [, hard] = new RegExp(`^${name}\\s+(?:\\S+)\\s+(\\S+)`, "m").exec(limits) ?? [];
  return hard === undefined || hard === "unlimited" ? unlimited : Number(hard);
}
