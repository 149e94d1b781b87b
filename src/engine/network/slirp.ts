import { spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import { TenkiError } from "../../domain/error.js";
import { startDeadline } from "../../lib/deadline.js";
import { isSameProcess, type ProcessIdentity, readProcessIdentity } from "../../lib/process-identity.js";
import { waitUntil } from "../../lib/wait-until.js";

/** The address at which it answers questions about names. */
export const slirpResolver = "10.0.2.3";

const readyTimeoutMs = 10_000;
const readyDescriptor = 3;
const stopGraceMs = 2_000;
const program = "slirp4netns";

/** Starts the process that carries a namespace's packets; it outlives this engine, as the sandbox does. */
export async function startSlirp(namespacePath: string): Promise<void> {
  const flags = [
    "--configure",
    "--mtu=65520",
    "--disable-host-loopback",
    "--enable-sandbox",
    "--enable-seccomp",
  ];
  const child = spawn(
    program,
    [...flags, "--netns-type=path", `--ready-fd=${readyDescriptor}`, namespacePath, "tap0"],
    { detached: true, stdio: ["ignore", "ignore", "ignore", "pipe"], cwd: "/" },
  );
  const ready = child.stdio[readyDescriptor] as Readable;
  const deadline = startDeadline(readyTimeoutMs);
  try {
    const answered = await new Promise<boolean>((resolve) => {
      ready.once("data", () => resolve(true));
      ready.once("close", () => resolve(false));
      child.once("error", () => resolve(false));
      deadline.signal.addEventListener("abort", () => resolve(false), { once: true });
    });
    if (answered) return;
    child.kill("SIGKILL");
    throw new TenkiError("failed_precondition", "slirp4netns did not start: the sandbox has no way out", {
      hint: "apt-get install slirp4netns, or create it with --allow-outbound=false",
    });
  } finally {
    deadline.clear();
    ready.destroy();
    child.unref();
  }
}

/** Those that carry a namespace's packets, found by their command line: the kernel knows, whoever started them. */
export async function listSlirps(namespacePath: string): Promise<ProcessIdentity[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const identity = readProcessIdentity(pid);
      const argv = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
      return argv[0] === program && argv.includes(namespacePath) ? identity : undefined;
    }),
  );
  return found.filter((identity) => identity !== undefined);
}

/** TERM, then KILL after a grace. */
export async function stopSlirp(identity: ProcessIdentity): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (!isSameProcess(identity)) return;
    try {
      process.kill(identity.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
    await waitUntil(() => (isSameProcess(identity) ? undefined : true), { timeoutMs: stopGraceMs });
  }
}
