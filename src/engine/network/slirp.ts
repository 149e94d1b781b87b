import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { TenkiError } from "../../domain/error.js";
import { startDeadline } from "../../lib/deadline.js";
import { type ProcessIdentity, readProcessIdentity } from "../../lib/process-identity.js";

/** The address at which it answers questions about names. */
export const slirpResolver = "10.0.2.3";

const readyTimeoutMs = 10_000;
const readyDescriptor = 3;

/** Starts the process that carries a namespace's packets; it outlives this engine, as the sandbox does. */
export async function startSlirp(namespacePath: string): Promise<ProcessIdentity> {
  const flags = [
    "--configure",
    "--mtu=65520",
    "--disable-host-loopback",
    "--enable-sandbox",
    "--enable-seccomp",
  ];
  const child = spawn(
    "slirp4netns",
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
    const identity = child.pid === undefined ? undefined : readProcessIdentity(child.pid);
    if (answered && identity !== undefined) return identity;
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
