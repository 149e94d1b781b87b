import { waitForExit } from "./command-guard.js";
import type { DataPlane } from "./data-plane.js";
import { StreamClosedError } from "./errors.js";
import { execResult, type ExecResult } from "./exec-result.js";
import type { ExecOptions, Output } from "./options/commands.js";
import { runCommand } from "./run-command.js";
import type { RunningCommand } from "./running-command.js";

export const defaultExecTimeoutMs = 30_000;

/** Runs a command to its end and returns what it wrote. */
export async function exec(
  dataPlane: DataPlane,
  command: string,
  options: ExecOptions = {},
): Promise<ExecResult> {
  const { args = [], timeoutMs = defaultExecTimeoutMs } = options;
  const startedAt = new Date();
  const running = await startExec(dataPlane, command, options);
  const outputs: Output[] = [];
  try {
    const [exit] = await Promise.all([
      waitForExit(running, timeoutMs),
      collect(running, outputs, options.onOutput),
      feed(running, options.input),
    ]);
    return execResult({ sessionId: dataPlane.sessionId, command, args, timeoutMs, startedAt, outputs }, exit);
  } finally {
    running.close(); // a failure above leaves nobody to read it
  }
}

/** Starts what `exec` and `stream` run. */
export function startExec(
  dataPlane: DataPlane,
  command: string,
  options: ExecOptions,
): Promise<RunningCommand> {
  const { args = [], cwd, env, privileged, timeoutMs = defaultExecTimeoutMs, signal, input } = options;
  const stdin = input !== undefined;
  return runCommand(dataPlane, [command, ...args], { cwd, env, privileged, timeoutMs, signal, stdin });
}

/** Hands a command its whole input; one that ends without reading it all is no error. */
export async function feed(running: RunningCommand, input: string | Uint8Array | undefined): Promise<void> {
  if (input === undefined) return;
  try {
    await running.writeStdin(typeof input === "string" ? Buffer.from(input) : input);
    await running.closeStdin();
  } catch (error) {
    if (!(error instanceof StreamClosedError)) throw error;
  }
}

async function collect(
  running: RunningCommand,
  outputs: Output[],
  onOutput: ExecOptions["onOutput"],
): Promise<void> {
  for await (const piece of running.output) {
    const output = { data: piece.data, isStderr: piece.kind === "stderr", isFinal: false };
    outputs.push(output);
    await onOutput?.(output);
  }
}
