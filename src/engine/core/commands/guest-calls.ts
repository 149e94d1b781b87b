import { TenkiError } from "../../../domain/error.js";
import type { GuestProcess } from "../ports/runtime.js";
import type { SessionRecord } from "../ports/store.js";
import { wrongState } from "../sessions/session-states.js";
import type { Sessions } from "../sessions/sessions.js";

/**
 * Makes a call into a running sandbox, which is busy for as long as it lasts; and where the sandbox does not
 * answer, the caller is told what became of the session rather than that a socket broke.
 */
export async function callGuest<T>(
  sessions: Sessions,
  sessionId: string,
  call: (session: SessionRecord) => Promise<T>,
): Promise<T> {
  const { session, leave } = sessions.enter(sessionId);
  try {
    return await call(session);
  } catch (error) {
    throw await explainSilence(sessions, sessionId, error);
  } finally {
    leave();
  }
}

/** The same for what is read from a sandbox piece by piece: it is busy until the last one was taken. */
export async function* readGuest<T>(
  sessions: Sessions,
  sessionId: string,
  source: AsyncIterable<T>,
): AsyncGenerator<T> {
  const letGo = sessions.hold(sessionId);
  try {
    yield* source;
  } catch (error) {
    throw await explainSilence(sessions, sessionId, error);
  } finally {
    letGo();
  }
}

/** A process whose breaking off is told as what became of the session; it is busy while its output is read. */
export function explainedProcess(sessions: Sessions, sessionId: string, process: GuestProcess): GuestProcess {
  const bursts = process.eventsAndBursts?.bind(process);
  return {
    pid: process.pid,
    outputOffset: process.outputOffset,
    stdinReceived: process.stdinReceived,
    stdinWindowBytes: process.stdinWindowBytes,
    events: readGuest(sessions, sessionId, process.events),
    ...(bursts && { eventsAndBursts: (caller) => readGuest(sessions, sessionId, bursts(caller)) }),
    writeStdin: (data) => process.writeStdin(data),
    closeStdin: () => process.closeStdin(),
    signal: (name) => process.signal(name),
    resize: (size) => process.resize(size),
    close: () => process.close(),
    detach: () => process.detach(),
  };
}

async function explainSilence(sessions: Sessions, sessionId: string, error: unknown): Promise<unknown> {
  if (!(error instanceof TenkiError) || error.kind !== "unavailable") return error;
  // What cannot be taken apart now is not this caller's matter.
  const session = await sessions.observe(sessionId).catch(() => sessions.get(sessionId));
  return session.state === "RUNNING"
    ? error
    : new TenkiError("failed_precondition", wrongState(session.state), { cause: error });
}
