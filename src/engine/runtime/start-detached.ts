import { spawn } from "node:child_process";
import { systemEnvironment } from "../../lib/system-environment.js";

export interface DetachedResult {
  readonly exitCode: number;
  readonly stderr: string;
  readonly timedOut: boolean;
}

export interface StartDetachedOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const stderrCapBytes = 64 << 10;

/**
 * Runs a program that leaves children behind, with its standard streams: waits for its exit, not for the
 * streams' end. What it says comes through a pipe, as a file would be one of the host's in the children's
 * hands. It has a process group of its own: a terminal's Ctrl-C does not reach it, and ending it ends all of it.
 */
export function startDetached(
  argv: readonly string[],
  options: StartDetachedOptions,
): Promise<DetachedResult> {
  const [file = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
      env: { ...systemEnvironment },
    });
    let stderr = "";
    let timedOut = false;
    child.stderr.on("data", (chunk: Buffer) => {
      if (stderr.length < stderrCapBytes) stderr += chunk.toString();
    });
    const onAbort = () => killGroup(child.pid);
    const deadline = setTimeout(() => {
      timedOut = true;
      onAbort();
    }, options.timeoutMs);
    options.signal.addEventListener("abort", onAbort, { once: true });
    if (options.signal.aborted) onAbort();
    const settle = () => {
      clearTimeout(deadline);
      options.signal.removeEventListener("abort", onAbort);
      child.stderr.destroy();
    };
    child.on("error", (error) => {
      settle();
      reject(error);
    });
    child.on("exit", (code) => {
      // What it said last is in the pipe by now, but perhaps not yet read.
      setImmediate(() => {
        settle();
        resolve({ exitCode: code ?? 137, stderr, timedOut });
      });
    });
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
