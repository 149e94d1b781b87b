import type { CommandExit, CommandOutput, SignalName } from "../domain/command.js";

/** A command that runs in a sandbox, as the command line and everything above it drives it. */
export interface RunningCommand {
  /** Inside the sandbox; 0 where the command could not be started. */
  readonly pid: number;
  /**
   * Both outputs in the order they came, for one reader. A reader that is slow slows the command;
   * output that nobody reads holds it, and `exit` with it, back.
   */
  readonly output: AsyncIterable<CommandOutput>;
  /** Settles once, after the last output. A command that could not be started has a reason `spawn_failed: …`. */
  readonly exit: Promise<CommandExit>;
  /** Resolves when the sandbox has room for it. */
  writeStdin(data: Uint8Array): Promise<void>;
  closeStdin(): Promise<void>;
  signal(name: SignalName): Promise<void>;
  /** Lets go at once: the sandbox ends the command. */
  close(): void;
}
