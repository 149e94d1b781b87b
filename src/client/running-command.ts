import type { CommandExit, CommandOutput, SignalName, TerminalSize } from "../domain/command.js";
import { AsyncQueue } from "../lib/async-queue.js";
import { StreamClosedError } from "./errors.js";

/** A command that runs in a sandbox, as the command line and everything above it drives it. */
export interface RunningCommand {
  /** Inside the sandbox; 0 where the command could not be started. */
  readonly pid: number;
  /** Bytes of output, both streams together, that came before the first of `output`: 0 unless it was attached to. */
  readonly outputOffset: number;
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
  /** Of its terminal; nothing happens where it has none. */
  resize(size: TerminalSize): Promise<void>;
  /** Lets go at once: the sandbox ends the command, unless it was attached to. */
  close(): void;
}

/** A command that somebody else started, or that was started to outlive its caller. */
export interface AttachedCommand extends RunningCommand {
  readonly hasTerminal: boolean;
  readonly takesInput: boolean;
}

/** What became of the connection to a command that can be come back to. */
export type ConnectionState = "lost" | "back";

/** A command that could not be started: it has ended as soon as it is there. */
export function notStarted(exit: CommandExit): RunningCommand {
  const gone = () => Promise.reject(new StreamClosedError("aborted", exit.reason));
  const nothing = () => Promise.resolve();
  const output = new AsyncQueue<CommandOutput>(0);
  output.end();
  return {
    ...{ pid: 0, outputOffset: 0, output, exit: Promise.resolve(exit) },
    ...{ writeStdin: gone, closeStdin: nothing, signal: nothing, resize: nothing, close: () => undefined },
  };
}

export function closeOnAbort(command: RunningCommand, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const close = () => command.close();
  signal.addEventListener("abort", close, { once: true });
  const forget = () => signal.removeEventListener("abort", close);
  command.exit.then(forget, forget);
  if (signal.aborted) close();
}
