import type { HandlerContext } from "@connectrpc/connect";
import { isTerminal, type SessionState } from "../../domain/session.js";
import { startDeadline } from "../../lib/deadline.js";
import type { SessionRecord } from "../core/ports/store.js";
import type { Sessions } from "../core/sessions/sessions.js";
import { holdMs } from "./hold.js";

/** Waits for RUNNING, or the session's end; ahead of the caller's deadline it returns what there is. */
export async function waitReady(
  sessions: Sessions,
  session: SessionRecord,
  context: HandlerContext,
): Promise<SessionRecord> {
  const hold = startDeadline(holdMs(context), context.signal);
  let latest = session;
  try {
    for await (latest of sessions.watch(session.id, hold.signal)) if (isSettled(latest.state)) break;
  } finally {
    hold.clear();
  }
  return latest;
}

/** The outcome of a change; ahead of the caller's deadline, the session as it is in the middle of it. */
export async function settledOrPresent(
  sessions: Sessions,
  id: string,
  change: Promise<SessionRecord>,
  context: HandlerContext,
): Promise<SessionRecord> {
  const hold = startDeadline(holdMs(context), context.signal);
  const timeIsUp = new Promise<undefined>((resolve) =>
    hold.signal.addEventListener("abort", () => resolve(undefined), { once: true }),
  );
  try {
    return (await Promise.race([change, timeIsUp])) ?? sessions.get(id);
  } finally {
    hold.clear();
  }
}

export const isSettled = (state: SessionState): boolean => state === "RUNNING" || isTerminal(state);
