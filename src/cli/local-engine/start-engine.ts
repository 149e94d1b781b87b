import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { engineFiles } from "../../domain/engine-state.js";
import { type ErrorKind, errorKinds, TenkiError } from "../../domain/error.js";
import { startDeadline } from "../../lib/deadline.js";
import { makeDirectory } from "../../lib/make-directory.js";
import { waitUntil } from "../../lib/wait-until.js";
import { findEngine, type LocalEngine } from "./find-engine.js";

export interface StartEngineOptions {
  readonly dataDir: string;
  /** What the command goes through: see `namespacePrefix`. */
  readonly prefix: readonly string[];
  /** How this command line is called: node and the launcher. */
  readonly self: readonly string[];
  /** Flags of `engine start --foreground`, passed on as they are. */
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Shows a line that a person has to know. */
  readonly warn: (line: string) => unknown;
}

/** How long an engine may take until it serves: the first start builds the default image. */
export const startTimeoutMs = 120_000;
const tidyTimeoutMs = 10_000;

/** The descriptor on which a started engine says that it serves, or why not; the variable that tells it so. */
const readyDescriptor = 3;
export const readyVariable = "TENKI_ENGINE_READY_FD";

/** Starts an engine that outlives this process; resolves once it serves. */
export async function startEngine(options: StartEngineOptions): Promise<LocalEngine> {
  const child = launch(options);
  const deadline = startDeadline(startTimeoutMs);
  try {
    const lines = await linesUntilReady(child, deadline.signal);
    for (const line of lines.slice(0, -1)) await options.warn(line);
    const failure = readFailure(lines.at(-1) ?? "");
    if (failure !== undefined) {
      await untilEnded(child);
      throw failure;
    }
    const engine = await findEngine(options.dataDir);
    if (engine !== undefined) return engine;
    throw new TenkiError("internal", "the engine stopped as soon as it had started", {
      hint: `tenki engine logs --data-dir ${options.dataDir}`,
    });
  } finally {
    deadline.clear();
    child.unref();
  }
}

function launch({ prefix, self, flags, env, dataDir }: StartEngineOptions): ChildProcess {
  const [program = "", ...rest] = [...prefix, ...self];
  const output = openOutput(dataDir);
  try {
    return spawn(program, [...rest, "engine", "start", "--foreground", "--data-dir", dataDir, ...flags], {
      detached: true,
      stdio: ["ignore", output, output, "pipe"],
      env: { ...env, [readyVariable]: String(readyDescriptor) },
      cwd: "/",
    });
  } finally {
    closeSync(output);
  }
}

/** Where an engine in the background writes what it has no log for. */
function openOutput(dataDir: string): number {
  try {
    makeDirectory(dataDir);
    return openSync(join(dataDir, `${engineFiles.log}.stderr`), "a", 0o600);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TenkiError("failed_precondition", `cannot use the data directory ${dataDir}: ${why}`, {
      cause,
      hint: "name another with --data-dir, or TENKI_ENGINE_DATA_DIR",
    });
  }
}

/** What the engine says on its ready descriptor: warnings, then one word; its end without it is a failure. */
async function linesUntilReady(child: ChildProcess, signal: AbortSignal): Promise<string[]> {
  const pipe = child.stdio[readyDescriptor] as Readable;
  signal.addEventListener("abort", () => pipe.destroy(signal.reason as Error), { once: true });
  child.once("error", (error) => pipe.destroy(error));
  let text = "";
  try {
    for await (const chunk of pipe) {
      text += String(chunk);
      if (/^(ready|\{.*)\n/m.test(text)) break;
    }
  } catch (cause) {
    child.kill("SIGTERM");
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TenkiError("deadline_exceeded", `the engine did not start: ${why}`, {
      cause,
      hint: "tenki engine doctor",
    });
  }
  return text.trimEnd().split("\n");
}

/** An engine that could not start is still tidying up when it says so. */
async function untilEnded(child: ChildProcess): Promise<void> {
  await waitUntil(
    () => ((child.exitCode ?? child.signalCode ?? undefined) === undefined ? undefined : true),
    {
      timeoutMs: tidyTimeoutMs,
    },
  );
}

function readFailure(line: string): TenkiError | undefined {
  if (line === "ready") return undefined;
  try {
    const { kind, message, hint } = JSON.parse(line) as { kind: ErrorKind; message: string; hint?: string };
    if (errorKinds.includes(kind)) return new TenkiError(kind, message, { hint });
  } catch {
    // not a word of ours: it ended before it could say one
  }
  return new TenkiError("internal", "the engine ended before it served", { hint: "tenki engine logs" });
}
