import { sandboxCapabilities } from "./capabilities.js";
import type { Machine } from "./machine.js";
import { guestPath, sandboxMounts, type OciMount } from "./mounts.js";
import { seccompFilter, type SeccompFilter } from "./seccomp.js";

/** What differs from one sandbox to the next, and from one machine to the next. */
export interface BundleSpec {
  readonly rootDirectory: string;
  readonly hostname: string;
  /** Undefined: the sandbox stays in the engine's own cgroup, and without limits. */
  readonly cgroupsPath: string | undefined;
  readonly networkNamespacePath: string;
  readonly guestBinary: string;
  readonly limits: { readonly cpuCores: number; readonly memoryMb: number };
  readonly machine: Machine;
}

/** The parts of the OCI runtime configuration that we set. */
export interface OciConfig {
  readonly ociVersion: string;
  readonly process: Readonly<Record<string, unknown>>;
  readonly root: { readonly path: string; readonly readonly: boolean };
  readonly hostname: string;
  readonly mounts: readonly OciMount[];
  readonly linux: Readonly<Record<string, unknown>> & { readonly seccomp?: SeccompFilter | undefined };
}

/** Writes down a sandbox for the OCI runtime: what config.json holds. */
export function ociConfig(spec: BundleSpec): OciConfig {
  const { machine, limits } = spec;
  return {
    ociVersion: "1.0.2",
    process: initProcess(machine),
    root: { path: spec.rootDirectory, readonly: false },
    hostname: spec.hostname,
    mounts: sandboxMounts(spec.guestBinary, limits.memoryMb),
    linux: {
      namespaces: namespaces(spec),
      ...(spec.cgroupsPath === undefined
        ? {}
        : { cgroupsPath: spec.cgroupsPath, resources: resources(limits, machine) }),
      sysctl: networkSettings(machine),
      seccomp: seccompFilter(machine.architecture),
      maskedPaths,
      readonlyPaths,
    },
  };
}

/** In the sandbox's own network namespace: any user may listen on port 80, and send pings. */
function networkSettings(machine: Machine): Record<string, string> {
  const lowPorts = { "net.ipv4.ip_unprivileged_port_start": "0" };
  // Takes groups that exist in the user namespace only, and there are no two billion of those in ours.
  return machine.rootless ? lowPorts : { ...lowPorts, "net.ipv4.ping_group_range": "0 2147483647" };
}

function initProcess(machine: Machine): Record<string, unknown> {
  return {
    terminal: false,
    user: { uid: 0, gid: 0, umask: 0o022 },
    args: [guestPath, "init"],
    env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    cwd: "/",
    capabilities: {
      bounding: sandboxCapabilities,
      effective: sandboxCapabilities,
      permitted: sandboxCapabilities,
    },
    rlimits: rlimits(machine),
    // sudo has to work. What it can give is held by the bounding set.
    noNewPrivileges: false,
    // The kernel's even treatment, whatever the engine itself was started with.
    ...(machine.ownsLimits ? { oomScoreAdj: 0 } : {}),
  };
}

/** As many descriptors as a database or a build wants, and nothing that the engine's own limits bring in. */
function rlimits(machine: Machine): { type: string; soft: number; hard: number }[] {
  const files = Math.min(1_048_576, machine.maxOpenFiles);
  return [
    { type: "RLIMIT_NOFILE", soft: Math.min(65_536, files), hard: files },
    { type: "RLIMIT_CORE", soft: 0, hard: 0 },
    // Counted by the kernel for a user over all sandboxes; the process limit of the cgroup is what holds.
    { type: "RLIMIT_NPROC", soft: machine.maxUserProcesses, hard: machine.maxUserProcesses },
  ];
}

function namespaces(spec: BundleSpec): { type: string; path?: string }[] {
  return [
    { type: "mount" },
    { type: "pid" },
    { type: "ipc" },
    { type: "uts" },
    ...(spec.machine.hasCgroupNamespace ? [{ type: "cgroup" }] : []),
    { type: "network", path: spec.networkNamespacePath },
  ];
}

/** The kernel's usual scheduling period, in microseconds. */
const cpuPeriodUs = 100_000;

/** Room for parallel builds and Java's threads; a fork bomb ends here, far below the kernel's own limit for everybody. */
const mostProcesses = 4_096;
const fewestProcesses = 256;

/**
 * Two for each megabyte: more than fit into the memory would not run anyway, and a bomb that fills the memory
 * as well keeps those from working who are to end it.
 */
export const maxProcesses = (memoryMb: number): number =>
  Math.min(mostProcesses, Math.max(fewestProcesses, 2 * memoryMb));

function resources(limits: BundleSpec["limits"], machine: Machine): Record<string, unknown> {
  const memory = limits.memoryMb * 2 ** 20;
  return {
    // The runtime adds the harmless nodes: null, zero, full, random, urandom, tty and terminals.
    devices: [{ allow: false, access: "rwm" }],
    cpu: { quota: Math.round(limits.cpuCores * cpuPeriodUs), period: cpuPeriodUs },
    // `swap` is memory and swap together: none beyond the memory.
    memory: machine.boundsSwap ? { limit: memory, swap: memory } : { limit: memory },
    pids: { limit: maxProcesses(limits.memoryMb) },
  };
}

/** The kernel's memory, keys, timers and hardware; the host's disks. */
const maskedPaths = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  // Loop devices tell the paths of the files behind them.
  "/sys/devices/virtual/block",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
];

/** What settings of the whole machine are written to. */
const readonlyPaths = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
  // With version 1 it is a tmpfs that the runtimes leave writable.
  "/sys/fs/cgroup",
];
