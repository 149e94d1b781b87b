import { setTimeout as sleep } from "node:timers/promises";
import { TenkiError } from "../domain/error.js";
import { isTerminal, type SessionInfo, type SessionState } from "../domain/session.js";
import { startDeadline } from "../lib/deadline.js";
import { formatGoDuration } from "../lib/go-duration.js";
import { sessionFromWire } from "./convert/session.js";
import type { DataPlane } from "./data-plane.js";
import { InvalidStateError, ResumeFailedError, SandboxError, SessionTerminatedError } from "./errors.js";
import { openStream } from "./open-stream.js";
import type { Rpc } from "./rpc.js";

export const defaultWaitTimeoutMs = 180_000;
const longestPollPauseMs = 2_000;

export interface SessionWait {
  readonly until: "RUNNING" | "PAUSED";
  /** What was last heard, for the message of a wait that ends before it hears more. */
  readonly known?: SessionState | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What to throw for a state that does not lead there; undefined = wait on. */
  readonly refuse: (info: SessionInfo) => TenkiError | undefined;
}

/** Waits until a session is in a state. */
export async function waitState(rpc: Rpc, dataPlane: DataPlane, wait: SessionWait): Promise<SessionInfo> {
  const timeoutMs = wait.timeoutMs ?? defaultWaitTimeoutMs;
  const deadline = startDeadline(timeoutMs, wait.signal);
  let state: string = wait.known ?? "unknown";
  try {
    for await (const info of watchSession(rpc, dataPlane, deadline.signal)) {
      if (info.state === wait.until) return info;
      ({ state } = info);
      const refusal = wait.refuse(info);
      if (refusal !== undefined) throw refusal;
    }
    throw new SandboxError(
      "internal",
      `the wait for session ${dataPlane.sessionId} ended with state=${state}`,
    );
  } catch (error) {
    if (!deadline.expired()) throw error;
    const after = formatGoDuration(timeoutMs);
    throw new SandboxError(
      "deadline_exceeded",
      `session ${dataPlane.sessionId} was not ${wait.until.toLowerCase()} after ${after} (state=${state})`,
      {
        cause: error,
      },
    );
  } finally {
    deadline.clear();
  }
}

/** A session that ends, or that rests, will not become ready by itself. */
export function refuseUnready(info: SessionInfo): TenkiError | undefined {
  if (isTerminal(info.state)) return terminated(info);
  if (!["PAUSING", "PAUSED", "USER_SHUTDOWN"].includes(info.state)) return undefined;
  return new InvalidStateError(
    "failed_precondition",
    `session ${info.id} does not run (state=${info.state})`,
    {
      hint: `resume it with \`tenki sandbox resume ${info.id}\``,
    },
  );
}

/** A pause that did not work leaves the session running. */
export function refuseNotPaused(info: SessionInfo): TenkiError | undefined {
  if (isTerminal(info.state)) return terminated(info);
  if (info.state !== "RUNNING") return undefined;
  return new InvalidStateError(
    "failed_precondition",
    `session ${info.id} was not paused (state=${info.state})`,
  );
}

/** A resume that did not work leaves the session where it was. */
export function refuseNotResumed(info: SessionInfo): TenkiError | undefined {
  if (isTerminal(info.state)) return terminated(info);
  if (info.state !== "PAUSED" && info.state !== "USER_SHUTDOWN") return undefined;
  const why = info.lastResumeError ?? "the service does not say why";
  return new ResumeFailedError(
    "failed_precondition",
    `session ${info.id} was not resumed: ${why} (state=${info.state})`,
  );
}

/** Each state that a session goes through, the present one first; ends with RUNNING or the session's end. */
export async function* watchSession(
  rpc: Rpc,
  dataPlane: DataPlane,
  signal?: AbortSignal,
): AsyncGenerator<SessionInfo, void, undefined> {
  let last: string | undefined;
  for await (const info of reports(rpc, dataPlane, signal)) {
    if (info.state === last) continue;
    last = info.state;
    yield info;
    if (info.state === "RUNNING" || isTerminal(info.state)) return;
  }
}

/** Told by the service as it happens; asked for where it does not tell, or stops telling. */
async function* reports(
  rpc: Rpc,
  dataPlane: DataPlane,
  signal: AbortSignal | undefined,
): AsyncGenerator<SessionInfo, void, undefined> {
  try {
    yield* streamed(rpc, dataPlane, signal);
  } catch (error) {
    if (!(error instanceof TenkiError && ["unimplemented", "unavailable"].includes(error.kind))) throw error;
  }
  for (let pauseMs = 100; ; pauseMs = Math.min(longestPollPauseMs, pauseMs * 1.5)) {
    const { session } = await rpc.sandbox("getSession", { sessionId: dataPlane.sessionId }, { signal });
    yield sessionFromWire(session);
    await sleep(pauseMs, undefined, { signal });
  }
}

async function* streamed(
  rpc: Rpc,
  dataPlane: DataPlane,
  signal: AbortSignal | undefined,
): AsyncGenerator<SessionInfo, void, undefined> {
  const { sessionId } = dataPlane;
  const { endpoint } = rpc.settings;
  const plan = { what: "SandboxService.WaitSession", endpoint, signal, idempotent: true };
  const stream = await openStream(rpc, plan, (at, call) => at.sandbox.waitSession({ sessionId }, call));
  for await (const message of stream) {
    dataPlane.accept(message);
    yield sessionFromWire(message.session);
  }
}

function terminated(info: SessionInfo): SessionTerminatedError {
  const why = info.terminalError === undefined ? "" : `: ${info.terminalError}`;
  return new SessionTerminatedError(
    "failed_precondition",
    `session ${info.id} has terminated${why} (state=${info.state})`,
  );
}
