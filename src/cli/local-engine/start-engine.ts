import { spawn, type ChildProcess } from "node:child_process";
import { closeSync } from "node:fs";
import type { Readable } from "node:stream";
import { type ErrorKind, errorKinds, TenkiError } from "../../domain/error.js";
import { startDeadline } from "../../lib/deadline.js";
import { withSystemPath } from "../../lib/system-environment.js";
import { waitUntil } from "../../lib/wait-until.js";
import { type EngineOutput, openOutput } from "./engine-output.js";
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
  const output = openOutput(options.dataDir);
  try {
    return await untilServing(launch(options, output.descriptor), output, options);
  } finally {
    closeSync(output.descriptor);
  }
}

async function untilServing(
  child: ChildProcess,
  output: EngineOutput,
  { dataDir, warn }: StartEngineOptions,
): Promise<LocalEngine> {
  const deadline = startDeadline(startTimeoutMs);
  try {
    const lines = await linesUntilReady(child, deadline.signal);
    for (const line of lines.slice(0, -1)) await warn(line);
    const last = lines.at(-1) ?? "";
    if (last !== "ready") {
      await untilEnded(child);
      throw readFailure(last, output);
    }
    const engine = await findEngine(dataDir);
    if (engine !== undefined) return engine;
    throw new TenkiError("internal", "the engine stopped as soon as it had started", {
      hint: `tenki engine logs --data-dir ${dataDir}`,
    });
  } finally {
    deadline.clear();
    child.unref();
  }
}

function launch({ prefix, self, flags, env, dataDir }: StartEngineOptions, output: number): ChildProcess {
  const [program = "", ...rest] = [...prefix, ...self];
  return spawn(program, [...rest, "engine", "start", "--foreground", "--data-dir", dataDir, ...flags], {
    detached: true,
    stdio: ["ignore", output, output, "pipe"],
    // Root's PATH may lack sbin as an ordinary user's does, and an engine calls `ip` and `nft` from there.
    env: { ...env, PATH: withSystemPath(env["PATH"]), [readyVariable]: String(readyDescriptor) },
    cwd: "/",
  });
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

function readFailure(line: string, output: EngineOutput): TenkiError {
  try {
    const { kind, message, hint } = JSON.parse(line) as { kind: ErrorKind; message: string; hint?: string };
    if (errorKinds.includes(kind)) {
      output.undo();
      return new TenkiError(kind, message, { hint });
    }
  } catch {
    // not a word of ours: it ended before it could say one
  }
  return new TenkiError("internal", "the engine ended before it served", { hint: `see ${output.path}` });
}
