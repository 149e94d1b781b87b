import { accessSync, constants, readFileSync } from "node:fs";
import { join } from "node:path";

/** What has to be delegated for the limits of a sandbox to hold. */
const neededControllers = ["cpu", "memory", "pids"] as const;

export interface DelegatedCgroup {
  /** The path below each hierarchy's root, to put sandboxes under; absent where something is missing. */
  readonly path: string | undefined;
  readonly missing: readonly string[];
}

/**
 * Whether the cgroup that this process runs in is the user's own to divide. Without that, nothing bounds
 * the memory, the processor time and the number of processes of a sandbox.
 */
export function findDelegatedCgroup(): DelegatedCgroup {
  const memberships = readFileSync("/proc/self/cgroup", "utf8").trim().split("\n");
  const unified = memberships.find((line) => line.startsWith("0::"))?.slice(3);
  const missing = neededControllers.filter((controller) => !isDelegated(controller, memberships, unified));
  if (missing.length > 0) return { path: undefined, missing };
  const own = memberships.find((line) => controllersOf(line).includes("memory"));
  return { path: own?.split(":").slice(2).join(":") ?? unified, missing };
}

function isDelegated(
  controller: string,
  memberships: readonly string[],
  unified: string | undefined,
): boolean {
  const legacy = memberships.find((line) => controllersOf(line).includes(controller));
  if (legacy !== undefined) {
    return isWritable(join("/sys/fs/cgroup", controller, legacy.split(":").slice(2).join(":")));
  }
  if (unified === undefined) return false;
  const directory = join("/sys/fs/cgroup", unified);
  return isWritable(directory) && controllersIn(join(directory, "cgroup.controllers")).includes(controller);
}

const controllersOf = (line: string): string[] => line.split(":")[1]?.split(",") ?? [];

function controllersIn(path: string): string[] {
  try {
    return readFileSync(path, "utf8").trim().split(" ");
  } catch {
    return [];
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
