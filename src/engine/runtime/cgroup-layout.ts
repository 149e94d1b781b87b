import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseMountInfo, type MountEntry } from "../../lib/mount-table.js";
import { type Freezer, freezerV1, freezerV2 } from "./freezer.js";

/** Hybrid: the controllers are in version 1 hierarchies, with an empty version 2 beside them. */
export type CgroupVersion = "v2" | "v1" | "hybrid" | "none";

export interface CgroupLayout {
  readonly version: CgroupVersion;
  /** Every hierarchy's root directory: one for v2; else one for each set of controllers, and `unified`. */
  readonly hierarchies: readonly string[];
  /** Where each controller's files are; nothing where it is missing. */
  readonly controllerRoots: ControllerRoots;
  /** Which of the controllers that hold a sandbox's limits are not there. */
  readonly missingControllers: readonly string[];
  /** Swap can be bounded, so that a memory limit is not doubled by it. */
  readonly boundsSwap: boolean;
  /** What makes processes stand still; undefined where there is none. */
  readonly freezer: Freezer | undefined;
}

const controllerNames = ["cpu", "cpuacct", "memory", "pids"] as const;

/** `cpuacct`, which counts, is a part of version 2's `cpu`. */
export type ControllerRoots = Readonly<Partial<Record<(typeof controllerNames)[number], string>>>;

const cgroupRoot = "/sys/fs/cgroup";
const neededControllers = ["cpu", "memory", "pids"];

export function readCgroupLayout(): CgroupLayout {
  return cgroupLayoutOf(parseMountInfo(readFileSync("/proc/self/mountinfo", "utf8")));
}

export function cgroupLayoutOf(mounts: readonly MountEntry[]): CgroupLayout {
  const cgroups = mounts.filter(
    ({ mountPoint, fileSystem }) =>
      (fileSystem === "cgroup" || fileSystem === "cgroup2") &&
      (mountPoint === cgroupRoot || mountPoint.startsWith(`${cgroupRoot}/`)),
  );
  const v1 = cgroups.filter(({ fileSystem }) => fileSystem === "cgroup");
  const v2 = cgroups.filter(({ fileSystem }) => fileSystem === "cgroup2");
  const version = versionOf(v1.length > 0, v2.length > 0);
  const memoryV1 = v1.find(({ options }) => options.includes("memory"));
  const freezing = v1.find(({ options }) => options.includes("freezer"));
  const controllers =
    version === "v2"
      ? readWords(join(v2[0]?.mountPoint ?? "", "cgroup.controllers"))
      : v1.flatMap(({ options }) => options);
  return {
    version,
    controllerRoots: Object.fromEntries(
      controllerNames.flatMap((name) => {
        const mount = version === "v2" ? v2[0] : v1.find(({ options }) => options.includes(name));
        return mount === undefined ? [] : [[name, mount.mountPoint]];
      }),
    ),
    hierarchies: [...new Set(cgroups.map(({ mountPoint }) => mountPoint))],
    missingControllers: neededControllers.filter((name) => !controllers.includes(name)),
    // Version 2 leaves the file out where there is no swap to bound, and the runtimes know that.
    boundsSwap:
      version === "v2" ||
      (memoryV1 !== undefined && existsSync(join(memoryV1.mountPoint, "memory.memsw.limit_in_bytes"))),
    freezer:
      version === "v2" ? freezerV2(v2[0]?.mountPoint ?? "") : freezing && freezerV1(freezing.mountPoint),
  };
}

function versionOf(v1: boolean, v2: boolean): CgroupVersion {
  if (v1) return v2 ? "hybrid" : "v1";
  return v2 ? "v2" : "none";
}

function readWords(path: string): string[] {
  try {
    return readFileSync(path, "utf8").trim().split(/\s+/);
  } catch {
    return [];
  }
}
