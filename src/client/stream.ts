import { waitForExit } from "./command-guard.js";
import type { DataPlane } from "./data-plane.js";
import { defaultExecTimeoutMs, feed, startExec } from "./exec.js";
import { execResult, type ExecResult } from "./exec-result.js";
import type { ExecOptions, Output } from "./options/commands.js";
import type { RunningCommand } from "./running-command.js";

/** Starts a command whose output is read as it comes. */
export async function startStream(
  dataPlane: DataPlane,
  command: string,
  options: ExecOptions = {},
): Promise<Stream> {
  const { args = [], timeoutMs = defaultExecTimeoutMs } = options;
  const startedAt = new Date();
  const running = await startExec(dataPlane, command, options);
  feed(running, options.input).catch(() => running.close());
  const exited = waitForExit(running, timeoutMs).then((exit) =>
    execResult({ sessionId: dataPlane.sessionId, command, args, timeoutMs, startedAt, outputs: [] }, exit),
  );
  return new Stream(running, exited);
}

/** The output of a running command, piece by piece; whoever reads slowly slows it. */
export class Stream implements AsyncIterable<Output> {
  readonly #running: RunningCommand;
  readonly #pieces: AsyncIterator<{ readonly kind: "stdout" | "stderr"; readonly data: Uint8Array }>;
  readonly #result: Promise<ExecResult>;

  constructor(running: RunningCommand, result: Promise<ExecResult>) {
    this.#running = running;
    this.#pieces = running.output[Symbol.asyncIterator]();
    this.#result = result;
    this.#result.catch(() => undefined); // thrown by `wait`
  }

  /** The next piece, or null behind the last. */
  async next(): Promise<Output | null> {
    const { done, value } = await this.#pieces.next();
    return done ? null : { data: value.data, isStderr: value.kind === "stderr", isFinal: false };
  }

  /** How it ended; output that was not read until now is dropped. What was streamed is not in the result. */
  async wait(): Promise<ExecResult> {
    while ((await this.next()) !== null);
    return this.#result;
  }

  /** Ends the command. */
  cancel(): void {
    this.#running.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Output, void, undefined> {
    for (let output = await this.next(); output !== null; output = await this.next()) yield output;
  }
}
