import type { CommandExit } from "./command.js";

export const executionStates = ["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "LOST"] as const;

/** LOST: its session, or what ran it, went away before its exit was known. */
export type ExecutionState = (typeof executionStates)[number];

/** A command that the service keeps, with its output, and what became of it. */
export interface ExecutionInfo {
  readonly id: string;
  readonly sessionId: string;
  readonly argv: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  readonly privileged: boolean;
  readonly terminal: boolean;
  /** Takes input from who attaches. */
  readonly takesInput: boolean;
  readonly state: ExecutionState;
  /** Set once it has ended, unless it is LOST. */
  readonly exit?: CommandExit | undefined;
  readonly startedAt: Date;
  readonly endedAt?: Date | undefined;
  /** Of both streams together, since it began. */
  readonly outputBytes: number;
  /** The first byte of output that is still kept. */
  readonly keptFrom: number;
  /** What holds it up now, or why it is LOST. */
  readonly problem?: string | undefined;
}

export const hasEnded = (state: ExecutionState): boolean => state !== "RUNNING";
