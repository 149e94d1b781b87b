import type { CommandExit, CommandOutput, SignalName } from "../domain/command.js";
import { TenkiError } from "../domain/error.js";
import type { SandboxSessionDataPlaneServiceRunResponse as RunMessage } from "../gen/tenki/sandbox/v1/sandbox_pb.js";
import { AsyncQueue } from "../lib/async-queue.js";
import { ConnectionError } from "./connection-error.js";
import { exitFromWire } from "./convert/command.js";
import { SandboxError, StreamClosedError } from "./errors.js";
import type { OpenStream } from "./open-stream.js";
import type { RunFrames } from "./run-frames.js";

/** A command that runs in a sandbox, as the command line and everything above it drives it. */
export interface RunningCommand {
  /** Inside the sandbox; 0 where the command could not be started. */
  readonly pid: number;
  /**
   * Both outputs in the order they came, for one reader. A reader that is slow slows the command;
   * output that nobody reads holds it, and `exit` with it, back.
   */
  readonly output: AsyncIterable<CommandOutput>;
  /** Settles once, behind the last output. A command that could not be started has a reason `spawn_failed: …`. */
  readonly exit: Promise<CommandExit>;
  /** Resolves when it was handed on; waits while the command takes no more. */
  writeStdin(data: Uint8Array): Promise<void>;
  closeStdin(): Promise<void>;
  signal(name: SignalName): Promise<void>;
  /** Lets go at once: the sandbox ends the command. */
  close(): void;
}

/** Pieces of output that wait for their reader; past it the service is held back. */
const queuedOutputs = 4;

export interface CommandStart {
  readonly name: string;
  readonly pid: number;
  readonly takesStdin: boolean;
  readonly frames: RunFrames;
  readonly stream: OpenStream<RunMessage>;
}

/** The two sides of a Run stream put together: what comes down is read here, what goes up is `frames`. */
export class StreamedCommand implements RunningCommand {
  readonly pid: number;
  readonly output = new AsyncQueue<CommandOutput>(queuedOutputs);
  readonly exit: Promise<CommandExit>;
  readonly #start: CommandStart;
  #ended = false;
  #letGo = false;

  constructor(start: CommandStart) {
    this.#start = start;
    this.pid = start.pid;
    this.exit = this.#read();
    this.exit.catch(() => undefined); // whoever reads the output hears of it there
  }

  async writeStdin(data: Uint8Array): Promise<void> {
    this.#checkReads();
    await this.#start.frames.writeStdin(data);
    this.#checkReads();
  }

  async closeStdin(): Promise<void> {
    if (this.#start.takesStdin) await this.#start.frames.closeStdin();
  }

  async signal(name: SignalName): Promise<void> {
    if (!this.#ended) await this.#start.frames.signal(name);
  }

  close(): void {
    if (this.#ended) return;
    this.#letGo = true;
    this.output.end(this.#cancelled());
    this.#start.frames.end();
    this.#start.stream.close();
  }

  async #read(): Promise<CommandExit> {
    try {
      const exit = await this.#readUntilExit();
      this.output.end();
      return exit;
    } catch (error) {
      const failure = this.#explain(error);
      this.output.end(failure);
      throw failure;
    } finally {
      this.#ended = true;
      this.#start.frames.end();
      void this.#readOn();
    }
  }

  async #readUntilExit(): Promise<CommandExit> {
    const { stream, frames } = this.#start;
    for (let result = await stream.next(); !result.done; result = await stream.next()) {
      const payload = result.value.frame?.payload;
      if (payload?.case === "stdout" || payload?.case === "stderr") {
        await this.output.push({ kind: payload.case, data: payload.value });
      } else if (payload?.case === "flow") {
        frames.grant(payload.value.stdinGrantBytes);
      } else if (payload?.case === "exit") {
        return exitFromWire(payload.value);
      }
    }
    throw new ConnectionError("the stream ended", { requestSent: true });
  }

  /** Behind the exit nothing is expected; reading on lets the stream end in order. */
  async #readOn(): Promise<void> {
    const { stream } = this.#start;
    try {
      for (let result = await stream.next(); !result.done;) result = await stream.next();
    } catch {
      stream.close();
    }
  }

  #explain(error: unknown): unknown {
    if (this.#letGo) return this.#cancelled(error);
    if (!(error instanceof TenkiError) || error.kind !== "unavailable") return error;
    const message = `${error.message} while ${this.#start.name} ran; whether it has ended is not known`;
    return new ConnectionError(message, {
      requestSent: true,
      retryable: false,
      cause: error,
      hint: error.hint,
    });
  }

  #cancelled(cause?: unknown): SandboxError {
    return new SandboxError("cancelled", `${this.#start.name} was let go of`, { cause });
  }

  #checkReads(): void {
    const { name, takesStdin } = this.#start;
    if (!takesStdin) throw new SandboxError("invalid_argument", `${name} was started without stdin`);
    if (this.#ended || this.#letGo)
      throw new StreamClosedError("aborted", `${name} has ended and reads no more`);
  }
}

/** A command that could not be started: it has ended as soon as it is there. */
export function notStarted(exit: CommandExit): RunningCommand {
  const gone = () => Promise.reject(new StreamClosedError("aborted", exit.reason));
  const nothing = () => Promise.resolve();
  const output = new AsyncQueue<CommandOutput>(0);
  output.end();
  return {
    ...{ pid: 0, output, exit: Promise.resolve(exit) },
    ...{ writeStdin: gone, closeStdin: nothing, signal: nothing, close: () => undefined },
  };
}
