import { TenkiError } from "../../../domain/error.js";
import type { SessionState } from "../../../domain/session.js";

export type SessionEvent =
  | "booted"
  | "pause"
  | "paused"
  | "pause_failed"
  | "resume"
  | "resumed"
  | "resume_failed"
  | "shut_down"
  | "terminate"
  | "terminated";

type Transitions = Readonly<Record<SessionState, Readonly<Partial<Record<SessionEvent, SessionState>>>>>;

/** The one table of what may follow what. What is not in it is illegal. */
const transitions: Transitions = {
  CREATING: { booted: "RUNNING", terminate: "TERMINATING" },
  RUNNING: { pause: "PAUSING", shut_down: "USER_SHUTDOWN", terminate: "TERMINATING" },
  PAUSING: { paused: "PAUSED", pause_failed: "RUNNING", terminate: "TERMINATING" },
  PAUSED: { resume: "RESUMING", terminate: "TERMINATING" },
  RESUMING: { resumed: "RUNNING", resume_failed: "PAUSED", terminate: "TERMINATING" },
  USER_SHUTDOWN: { resume: "RESUMING", terminate: "TERMINATING" },
  TERMINATING: { terminated: "TERMINATED" },
  TERMINATED: {},
};

/** The state after an event; an illegal move says where the session is and what was asked of it. */
export function nextState(from: SessionState, event: SessionEvent): SessionState {
  const to = transitions[from][event];
  if (to !== undefined) return to;
  throw new TenkiError(
    "failed_precondition",
    `${wrongState(from)}: it cannot go on to "${event}" from there`,
  );
}

/** How a session's state is told to somebody who needed another: in words that clients look for. */
export const wrongState = (state: SessionState): string =>
  state === "TERMINATED" || state === "TERMINATING"
    ? `session is terminated (state=${state})`
    : `session is ${state === "RUNNING" ? "running" : "not running"} (state=${state})`;
