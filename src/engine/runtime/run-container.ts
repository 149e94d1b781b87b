import { readFile } from "node:fs/promises";
import { TenkiError } from "../../domain/error.js";
import type { Overlay } from "./overlay.js";
import { startDetached } from "./start-detached.js";
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
 * and they go away with the container, whatever happens to the engine. What the host unmounts meanwhile
 * (other sandboxes' disks) is unmounted there as well, where its mounts are shared.
 */
export async function runContainer(options: RunContainerOptions): Promise<void> {
  const { overlays, directory } = options;
  const layers = overlays.flatMap(({ options, target }) => [options, target]);
  const argv = [options.guestBinary, "layers", ...layers, "--", ...runtimeArguments(options)];
  const result = await startDetached(argv, { timeoutMs: startTimeoutMs, signal: options.signal });
  if (result.exitCode === 0) return;
  if (options.signal.aborted) throw cancelled(options.signal);
  const said = (await runtimeError(directory.runtimeLog)) ?? lastLine(result.stderr);
  const reason = result.timedOut
    ? `the runtime did not finish within ${startTimeoutMs} ms`
    : (said ?? `the runtime exits with ${result.exitCode}`);
  throw new TenkiError("internal", `the sandbox did not start: ${reason}`);
}

/** A start takes some fifty milliseconds; a runtime that takes so long hangs. */
const startTimeoutMs = 30_000;

function runtimeArguments(options: RunContainerOptions): string[] {
  const { directory, guestBinary, runtimeCommand, runtimeRoot, containerId } = options;
  return [
    ...[guestBinary, "listen", directory.socket, "--"],
    ...[runtimeCommand, "--root", runtimeRoot, "--log", directory.runtimeLog, "--log-format", "json"],
    ...["run", "--detach", "--preserve-fds", "1", "--bundle", directory.bundle],
    ...["--pid-file", directory.pidFile, containerId],
  ];
}

/** The last error that the runtime wrote to its log. */
async function runtimeError(path: string): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text.split("\n").flatMap(errorMessage).at(-1);
}

function errorMessage(line: string): string[] {
  try {
    const entry = JSON.parse(line) as { level?: unknown; msg?: unknown };
    return entry.level === "error" && typeof entry.msg === "string" ? [entry.msg] : [];
  } catch {
    return [];
  }
}

const lastLine = (text: string): string | undefined => text.trim().split("\n").at(-1) || undefined;

const cancelled = (signal: AbortSignal): TenkiError =>
  signal.reason instanceof TenkiError
    ? signal.reason
    : new TenkiError("cancelled", "the start was cancelled", { cause: signal.reason });
