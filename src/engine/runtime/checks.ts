import { readFileSync } from "node:fs";
import { tryProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import type { Finding } from "../core/finding.js";
import { type CgroupLayout, readCgroupLayout } from "./cgroup-layout.js";
import { checkNamespaces } from "./namespaces.js";
import { seccompFilter } from "./seccomp.js";
import { selectRuntime } from "./select-runtime.js";

/** What running sandboxes as containers needs of this machine, tried where it can be. */
export async function checkRuntime(
  options: { readonly ociRuntime?: string | undefined } = {},
): Promise<Finding[]> {
  const cgroups = readCgroupLayout();
  return [
    await ociRuntime(cgroups, options.ociRuntime),
    cgroupControllers(cgroups),
    swapLimit(cgroups),
    pausing(cgroups),
    await checkNamespaces(),
    await overlayfs(),
    seccomp(),
    fileWatchers(),
  ];
}

async function ociRuntime(cgroups: CgroupLayout, requested: string | undefined): Promise<Finding> {
  const name = "oci runtime";
  try {
    const { version } = await selectRuntime({ cgroups: cgroups.version, requested });
    return { name, ok: true, required: true, detail: version };
  } catch (error) {
    const { message, hint } = error as Error & { hint?: string };
    return { name, ok: false, required: true, detail: message, hint };
  }
}

const layoutNames = {
  v2: "version 2",
  v1: "version 1",
  hybrid: "hybrid: version 1 controllers beside an empty version 2",
  none: "not mounted",
} as const;

function cgroupControllers(cgroups: CgroupLayout): Finding {
  const { missingControllers: missing } = cgroups;
  const ok = missing.length === 0;
  return {
    name: "cgroups",
    ok,
    required: true,
    detail: `${layoutNames[cgroups.version]}${ok ? "; cpu, memory and pids can be limited" : `; not there: ${missing.join(", ")}`}`,
    hint: ok
      ? undefined
      : "switch them on with the kernel's command line (cgroup_enable=memory), or run on a machine that has them",
  };
}

function pausing({ freezer }: CgroupLayout): Finding {
  const ok = freezer !== undefined;
  return {
    name: "pausing",
    ok,
    required: false,
    detail: ok ? "a session can be made to stand still" : "no cgroup freezer: sessions cannot be paused",
    hint: ok ? undefined : "mount the freezer hierarchy at /sys/fs/cgroup/freezer, or use version 2",
  };
}

function swapLimit(cgroups: CgroupLayout): Finding {
  const ok = cgroups.boundsSwap || !hasSwap();
  return {
    name: "swap limit",
    ok,
    required: false,
    detail: ok ? "a memory limit is not extended by swap" : "a sandbox may use swap beyond its memory limit",
    hint: ok ? undefined : "add swapaccount=1 to the kernel's command line, or switch swap off",
  };
}

const hasSwap = (): boolean => readFileSync("/proc/swaps", "utf8").trim().split("\n").length > 1;

/** In a mount namespace and a tmpfs of its own, so that nothing of the attempt is left. */
const tryOverlay = `mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/merged"
mount -t overlay -o "lowerdir=/usr,upperdir=$1/upper,workdir=$1/work" overlay "$1/merged"
test -e "$1/merged/bin"`;

async function overlayfs(): Promise<Finding> {
  const inside = ["/bin/sh", "-euc", tryOverlay, "try-overlay", "/tmp"];
  const problem = await failure(["unshare", "--mount", "--propagation", "private", "--", ...inside]);
  return {
    name: "overlayfs",
    ok: problem === undefined,
    required: true,
    detail: problem ?? "layers can be mounted",
    hint: problem === undefined ? undefined : "modprobe overlay, and run the engine as root",
  };
}

function seccomp(): Finding {
  const inKernel = /^Seccomp:/m.test(readFileSync("/proc/self/status", "utf8"));
  const known = seccompFilter(process.arch) !== undefined;
  const detail = inKernel
    ? `there is no system call filter for ${process.arch}`
    : "the kernel has no seccomp";
  return {
    name: "seccomp",
    ok: inKernel && known,
    required: true,
    detail: inKernel && known ? "system calls can be filtered" : detail,
    hint:
      inKernel && known
        ? undefined
        : "run on an x86-64 or arm64 machine whose kernel has CONFIG_SECCOMP_FILTER",
  };
}

/** Enough for some ten editors and development servers at once. */
const watchersWanted = 1_024;

/** The kernel counts them by user, and the user is the same one in all sandboxes. */
function fileWatchers(): Finding {
  const setting = "fs.inotify.max_user_instances";
  const count = Number(readFileSync(`/proc/sys/${setting.replaceAll(".", "/")}`, "utf8"));
  const ok = count >= watchersWanted;
  return {
    name: "file watchers",
    ok,
    required: false,
    detail: `${count} for all sandboxes together`,
    hint: ok ? undefined : `sysctl -w ${setting}=8192`,
  };
}

/** What a command said when it failed. */
async function failure(argv: readonly string[]): Promise<string | undefined> {
  const attempt = await tryProcess(argv, { env: { ...systemEnvironment }, timeoutMs: 10_000 }).catch(
    (error: Error) => ({ exitCode: 1, stderr: error.message }),
  );
  if (attempt.exitCode === 0) return undefined;
  return attempt.stderr.trim().split("\n")[0] || `${argv[0]} failed`;
}
