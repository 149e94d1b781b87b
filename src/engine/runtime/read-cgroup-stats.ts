import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { SandboxStats } from "../../domain/session-stats.js";
import type { ControllerRoots } from "./cgroup-layout.js";

/** What the kernel counts for a cgroup, whichever versions its controllers are in; nothing where there is none. */
export async function readCgroupStats(roots: ControllerRoots, path: string): Promise<SandboxStats> {
  const read = (controller: keyof ControllerRoots, ...names: string[]) => {
    const root = roots[controller];
    return root === undefined ? undefined : readFirst(join(root, path), names);
  };
  const [cpu, quota, memory, cache, memoryLimit, processes, processLimit] = await Promise.all([
    read("cpuacct", "cpuacct.usage", "cpu.stat"),
    Promise.all([read("cpu", "cpu.cfs_quota_us", "cpu.max"), read("cpu", "cpu.cfs_period_us")]),
    read("memory", "memory.usage_in_bytes", "memory.current"),
    read("memory", "memory.stat"),
    read("memory", "memory.limit_in_bytes", "memory.max"),
    read("pids", "pids.current"),
    read("pids", "pids.max"),
  ]);
  return {
    cpuUsageUs: cpuUsage(cpu),
    cpuCores: coresOf(quota.join(" ")),
    memoryBytes: memoryWithoutCache(count(memory), cache),
    memoryLimitBytes: count(memoryLimit),
    processes: count(processes),
    processLimit: count(processLimit),
  };
}

/** Of the names, version 1's and then version 2's, the first that is there. */
async function readFirst(directory: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const text = await readIfThere(join(directory, name));
    if (text !== undefined) return text;
  }
  return undefined;
}

/** Gone meanwhile, or never there: it is not known. */
const readIfThere = (path: string): Promise<string | undefined> =>
  readFile(path, "utf8").then(
    (text) => text.trim(),
    () => undefined,
  );

/** Version 1 counts nanoseconds. */
function cpuUsage(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const nanoseconds = count(text);
  return nanoseconds === undefined ? lineOf(text, "usage_usec") : Math.floor(nanoseconds / 1_000);
}

/** A quota and its period; no quota is -1, or `max`. */
function coresOf(text: string): number | undefined {
  const [quota = Number.NaN, period = Number.NaN] = text.split(/\s+/).map(Number);
  return quota > 0 && period > 0 ? quota / period : undefined;
}

function memoryWithoutCache(total: number | undefined, stat: string | undefined): number | undefined {
  if (total === undefined || stat === undefined) return total;
  // Version 1 counts children under `total_`, version 2 by itself.
  const cached = (name: string) => lineOf(stat, `total_${name}`) ?? lineOf(stat, name) ?? 0;
  return Math.max(0, total - cached("active_file") - cached("inactive_file"));
}

function lineOf(text: string, name: string): number | undefined {
  const line = text.split("\n").find((each) => each.startsWith(`${name} `));
  return line === undefined ? undefined : count(line.slice(name.length + 1));
}

/** Version 1 writes no limit as a number that no machine has. */
const noLimit = 2 ** 62;

function count(text: string | undefined): number | undefined {
  const value = text !== undefined && /^\d+$/.test(text) ? Number(text) : noLimit;
  return value < noLimit ? value : undefined;
}
