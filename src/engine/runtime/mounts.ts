import { sshServerMount } from "./openssh.js";

export interface OciMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** Where the program that is pid 1 lies inside: below /run, so that no image or disk has a trace of it. */
export const guestPath = "/run/tenki/guest";

/** What lies over the root file system of a sandbox, in the order of mounting. */
export function sandboxMounts(guestBinary: string, memoryMb: number): OciMount[] {
  return [
    mount("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]),
    // Nodes and links take no room; what is written here is memory.
    mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=1m"]),
    mount("/dev/pts", "devpts", "devpts", [
      "nosuid",
      "noexec",
      "newinstance",
      "ptmxmode=0666",
      "mode=0620",
      `gid=${ttyGroup}`,
    ]),
    mount("/dev/mqueue", "mqueue", "mqueue", ["nosuid", "noexec", "nodev"]),
    mount("/dev/shm", "tmpfs", "shm", ["nosuid", "nodev", "mode=1777", sizeOf(memoryMb, 2)]),
    mount("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev", "ro"]),
    mount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", "relatime", "ro"]),
    mount("/run", "tmpfs", "run", ["nosuid", "nodev", "mode=755", sizeOf(memoryMb, 8)]),
    mount("/run/lock", "tmpfs", "lock", ["nosuid", "nodev", "noexec", "mode=1777", "size=1m"]),
    ...programs({ source: guestBinary, destination: guestPath }),
    ...programs(sshServerMount()),
  ];
}

/** Of the host's, for nobody inside to change. */
const programs = (place: { source: string; destination: string } | undefined): OciMount[] =>
  place === undefined
    ? []
    : [mount(place.destination, "bind", place.source, ["bind", "ro", "nosuid", "nodev"])];

/** `tty`, by the number it has on every Debian. */
const ttyGroup = 5;

/**
 * A part of the memory limit, which the files of a tmpfs count against. All parts together stay below
 * it: files that nobody can be killed for must not be what fills a sandbox's memory.
 */
const sizeOf = (memoryMb: number, divisor: number): string => `size=${Math.floor(memoryMb / divisor)}m`;

const mount = (destination: string, type: string, source: string, options: readonly string[]): OciMount => ({
  destination,
  type,
  source,
  options,
});
