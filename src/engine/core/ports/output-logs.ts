import type { CommandOutput } from "../../../domain/command.js";

/** Keeps the output of executions, each up to a bound: the newest of it. */
export interface OutputLogs {
  /**
   * For writing and reading; made where it is not there. What a crash tore is cut off at its end. Whoever writes has
   * opened it once.
   */
  open(sessionId: string, executionId: string): Promise<OutputLog>;
  /** Idempotent. */
  remove(sessionId: string, executionId: string): Promise<void>;
  /** After a restart: removes the logs of all but these executions. */
  sweep(keep: ReadonlySet<string>): Promise<void>;
}

/** Output in the order it came, both streams together; every byte has an offset, counted from the command's start. */
export interface OutputLog {
  /** The first byte that is kept. */
  readonly keptFrom: number;
  /** Behind the last one. */
  readonly end: number;
  /** All or nothing, one at a time; `resource_exhausted` where there is no room. */
  append(piece: CommandOutput): Promise<void>;
  /** Readers go their own ways; `from` lies within what is kept. */
  read(from: number): OutputReader;
  /** Gives up the writing end; readers read on. Idempotent. */
  close(): Promise<void>;
}

export interface OutputReader {
  /** The next piece, 64 KiB at most; undefined where there is none yet. `data_loss` where it is not kept any more. */
  next(): Promise<CommandOutput | undefined>;
  close(): Promise<void>;
}
