import { TenkiError } from "../../../domain/error.js";
import type { Clock } from "../ports/clock.js";
import type { GuestProcess, Runtime } from "../ports/runtime.js";
import { wrongState } from "../sessions/session-states.js";
import type { Sessions } from "../sessions/sessions.js";

export interface ReachParts {
  readonly sessions: Sessions;
  readonly runtime: Runtime;
  readonly clock: Clock;
}

export interface ReachTarget {
  readonly id: string;
  readonly sessionId: string;
  readonly outputOffset: number;
  readonly signal: AbortSignal;
}

const firstPauseMs = 500;
const longestPauseMs = 15_000;

/**
 * Comes back to a command for as long as its session is there: one that is paused does not answer, which may take
 * days. Throws why it is lost where it is.
 */
export async function reachExecution(
  { sessions, runtime, clock }: ReachParts,
  { id, sessionId, outputOffset, signal }: ReachTarget,
): Promise<GuestProcess> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    signal.throwIfAborted();
    await requireLive(sessions, sessionId);
    try {
      return await runtime.attach(sessionId, id, { outputOffset }, signal);
    } catch (error) {
      if (isHopeless(error)) {
        await requireLive(sessions, sessionId);
        throw lost(error);
      }
    }
    await pause(clock, pauseMs, signal);
  }
}

async function requireLive(sessions: Sessions, id: string): Promise<void> {
  const { state } = await sessions.observe(id).catch(() => sessions.get(id));
  if (isLive.has(state)) return;
  throw new TenkiError("aborted", `${wrongState(state)}: it went before the command's exit was known`);
}

const isLive: ReadonlySet<string> = new Set(["RUNNING", "PAUSING", "PAUSED", "RESUMING"]);

const isHopeless = (error: unknown): error is TenkiError =>
  error instanceof TenkiError && (error.kind === "not_found" || error.kind === "data_loss");

const lost = ({ kind }: TenkiError): TenkiError =>
  kind === "data_loss"
    ? new TenkiError("aborted", "the sandbox has dropped some of its output")
    : new TenkiError("aborted", "the sandbox knows nothing of it any more");

/** Throws the signal's reason when that aborts. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      callOff();
      reject(signal.reason as Error);
    };
    const callOff = clock.after(ms, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}
