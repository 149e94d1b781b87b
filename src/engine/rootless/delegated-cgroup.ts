import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** What has to be delegated for the limits of a sandbox to hold. */
const neededControllers = ["cpu", "memory", "pids"] as const;

export interface DelegatedCgroup {
  /** The path below each hierarchy's root, to put sandboxes under; absent where something is missing. */
  readonly path: string | undefined;
  readonly missing: readonly string[];
}

const cgroupRoot = "/sys/fs/cgroup";

/** Where the engine's own processes are, below what it divides. */
const leafName = "tenki-engine";

/**
 * Version 2 lets a cgroup be divided only where no process is in it: whoever is in this one goes one level down.
 * Version 1 has no such rule.
 */
export function divideCgroup(path: string): void {
  const directory = join(cgroupRoot, path);
  if (!existsSync(join(directory, "cgroup.controllers"))) return;
  const leaf = join(directory, leafName);
  mkdirSync(leaf, { recursive: true });
  for (let pids = processesIn(directory); pids.length > 0; pids = processesIn(directory)) {
    for (const pid of pids) moveProcess(pid, leaf);
  }
  const controllers = neededControllers.map((name) => `+${name}`).join(" ");
  writeFileSync(join(directory, "cgroup.subtree_control"), controllers);
}

const processesIn = (directory: string): string[] =>
  readFileSync(join(directory, "cgroup.procs"), "utf8")
    .split("\n")
    .filter((pid) => pid !== "");

function moveProcess(pid: string, directory: string): void {
  try {
    writeFileSync(join(directory, "cgroup.procs"), pid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // it has ended meanwhile
  }
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
  return { path: own?.split(":").slice(2).join(":") ?? aboveLeaf(unified ?? ""), missing };
}

/** An engine that an engine's process starts finds itself where that one has put it. */
const aboveLeaf = (path: string): string => (basename(path) === leafName ? dirname(path) : path);

function isDelegated(
  controller: string,
  memberships: readonly string[],
  unified: string | undefined,
): boolean {
  const legacy = memberships.find((line) => controllersOf(line).includes(controller));
  if (legacy !== undefined) {
    return isWritable(join(cgroupRoot, controller, legacy.split(":").slice(2).join(":")));
  }
  if (unified === undefined) return false;
  const directory = join(cgroupRoot, aboveLeaf(unified));
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
