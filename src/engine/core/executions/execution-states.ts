import type { CommandExit } from "../../../domain/command.js";
import { TenkiError } from "../../../domain/error.js";
import type { ExecutionState } from "../../../domain/execution.js";

export type ExecutionEvent = "succeeded" | "failed" | "timed_out" | "lost";

type Transitions = Readonly<
  Record<ExecutionState, Readonly<Partial<Record<ExecutionEvent, ExecutionState>>>>
>;

/** The one table of what may follow what. What is not in it is illegal. */
const transitions: Transitions = {
  RUNNING: { succeeded: "SUCCEEDED", failed: "FAILED", timed_out: "TIMED_OUT", lost: "LOST" },
  SUCCEEDED: {},
  FAILED: {},
  TIMED_OUT: {},
  LOST: {},
};

/** The state after an event; an illegal move says where the execution is and what was to happen to it. */
export function nextExecutionState(from: ExecutionState, event: ExecutionEvent): ExecutionState {
  const to = transitions[from][event];
  if (to !== undefined) return to;
  throw new TenkiError("failed_precondition", `${wrongExecutionState(from)}: it cannot be "${event}" then`);
}

export function eventOf({ exitCode, signal, timedOut }: CommandExit): ExecutionEvent {
  if (timedOut) return "timed_out";
  return exitCode === 0 && signal === undefined ? "succeeded" : "failed";
}

/** How an execution's state is told to somebody who needed another. */
export const wrongExecutionState = (state: ExecutionState): string =>
  state === "RUNNING" ? `execution is running (state=${state})` : `execution has ended (state=${state})`;
