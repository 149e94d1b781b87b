import type { HandlerContext } from "@connectrpc/connect";
import { isTerminal, type SessionState } from "../../domain/session.js";
import { startDeadline } from "../../lib/deadline.js";
import { answerAheadMs } from "../core/limits.js";
import type { SessionRecord } from "../core/ports/store.js";
import type { Sessions } from "../core/sessions.js";

/** For callers that name no deadline. */
const longestHoldMs = 5 * 60_000;

/** Waits for RUNNING, or the session's end; ahead of the caller's deadline it returns what there is. */
export async function waitReady(
  sessions: Sessions,
  session: SessionRecord,
  context: HandlerContext,
): Promise<SessionRecord> {
  const hold = startDeadline(holdMs(context.timeoutMs()), context.signal);
  let latest = session;
  try {
    for await (latest of sessions.watch(session.id, hold.signal)) if (isSettled(latest.state)) break;
  } finally {
    hold.clear();
  }
  return latest;
}

export const isSettled = (state: SessionState): boolean => state === "RUNNING" || isTerminal(state);

function holdMs(leftMs: number | undefined): number {
  if (leftMs === undefined) return longestHoldMs;
  return Math.max(leftMs - answerAheadMs, leftMs / 2);
}
