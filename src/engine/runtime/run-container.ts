import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { TenkiError } from "../../domain/error.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import type { Overlay } from "./overlay.js";
import type { SessionDirectory } from "./session-directory.js";

export interface RunContainerOptions {
  readonly containerId: string;
  readonly runtimeCommand: string;
  /** Where the runtime keeps its state. */
  readonly runtimeRoot: string;
  readonly guestBinary: string;
  readonly directory: SessionDirectory;
  readonly overlays: readonly Overlay[];
  readonly signal: AbortSignal;
}

/**
 * Starts a container and returns when the runtime says that it runs. Its layers are mounted in a mount
 * namespace that only the runtime is in and the container's own descends from: the host never sees them,
 * and they go away with the container, whatever happens to the engine.
 */
export async function runContainer(options: RunContainerOptions): Promise<void> {
  const { overlays, directory } = options;
  const layers = overlays.flatMap(({ options, target }) => [options, target]);
  const argv = ["unshare", "--mount", "--propagation", "private", "--"];
  argv.push("/bin/sh", "-euc", mountAndExec, "mount-layers", ...layers, "--", ...runtimeArguments(options));
  const { exitCode, stderr } = await startDetached(argv, options.signal);
  if (exitCode === 0) return;
  const said = (await runtimeError(directory.runtimeLog)) ?? lastLine(stderr) ?? `exit code ${exitCode}`;
  throw new TenkiError("internal", `the sandbox did not start: ${said}`);
}

const mountAndExec =
  'while [ "$1" != -- ]; do mount -t overlay -o "$1" overlay "$2"; shift 2; done; shift; exec "$@"';

function runtimeArguments(options: RunContainerOptions): string[] {
  const { directory, guestBinary, runtimeCommand, runtimeRoot, containerId } = options;
  return [
    ...[guestBinary, "listen", directory.socket, "--"],
    ...[runtimeCommand, "--root", runtimeRoot, "--log", directory.runtimeLog, "--log-format", "json"],
    ...["run", "--detach", "--preserve-fds", "1", "--bundle", directory.bundle],
    ...["--pid-file", directory.pidFile, containerId],
  ];
}

const startTimeoutMs = 30_000;
const stderrCapBytes = 64 << 10;

/**
 * Runs a program whose children live on with its standard streams: waits for its exit and not for the
 * streams' end. A pipe carries what it says, as a file of the host's would be one that the guest can write.
 */
function startDetached(
  argv: readonly string[],
  signal: AbortSignal,
): Promise<{ exitCode: number; stderr: string }> {
  const [file = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ["ignore", "ignore", "pipe"], env: { ...systemEnvironment } });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      if (stderr.length < stderrCapBytes) stderr += chunk.toString();
    });
    const kill = () => child.kill("SIGKILL");
    const deadline = setTimeout(kill, startTimeoutMs);
    signal.addEventListener("abort", kill, { once: true });
    if (signal.aborted) kill();
    const settle = () => {
      clearTimeout(deadline);
      signal.removeEventListener("abort", kill);
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
        resolve({ exitCode: code ?? 137, stderr });
      });
    });
  });
}

/** The last error that the runtime wrote to its log. */
async function runtimeError(path: string): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  const errors = text.split("\n").flatMap((line) => {
    try {
      const entry = JSON.parse(line) as { level?: unknown; msg?: unknown };
      return entry.level === "error" && typeof entry.msg === "string" ? [entry.msg] : [];
    } catch {
      return [];
    }
  });
  return errors.at(-1);
}

const lastLine = (text: string): string | undefined => text.trim().split("\n").at(-1) || undefined;
