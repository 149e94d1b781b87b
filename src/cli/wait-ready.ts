import type { Session } from "../client/index.js";
import type { SessionInfo } from "../domain/session.js";
import type { Context } from "./context.js";
import { InterruptedError } from "./interrupts.js";

/** Waits until commands would run; Ctrl-C leaves the session as it is, and says how to find it. */
export function waitReady(session: Session, ctx: Context, timeoutMs: number): Promise<SessionInfo> {
  return waitFor(session, ctx, () => session.waitReady(timeoutMs, ctx.signal));
}

/** Waits for the end of a pause, in the same way. */
export function waitPaused(session: Session, ctx: Context, timeoutMs: number): Promise<SessionInfo> {
  return waitFor(session, ctx, () => session.waitPaused(timeoutMs, ctx.signal));
}

/** Waits for the end of a resume, in the same way; a session that stays paused is a failure. */
export function waitResumed(session: Session, ctx: Context, timeoutMs: number): Promise<SessionInfo> {
  return waitFor(session, ctx, () => session.waitResumed(timeoutMs, ctx.signal));
}

async function waitFor(
  session: Session,
  ctx: Context,
  wait: () => Promise<SessionInfo>,
): Promise<SessionInfo> {
  const progress = await ctx.progress(`waiting for session ${session.id}`);
  try {
    return await wait();
  } catch (error) {
    if (!ctx.signal.aborted) throw error;
    const reason = ctx.signal.reason as InterruptedError;
    throw reason.saying(`interrupted: session ${session.id} goes on`, `tenki sandbox wait ${session.id}`);
  } finally {
    progress.stop();
  }
}
