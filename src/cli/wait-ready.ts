import type { Session } from "../client/index.js";
import type { SessionInfo } from "../domain/session.js";
import type { Context } from "./context.js";
import { InterruptedError } from "./interrupts.js";

/** Waits until commands would run; Ctrl-C leaves the session as it is, and says how to find it. */
export async function waitReady(session: Session, ctx: Context, timeoutMs: number): Promise<SessionInfo> {
  const progress = await ctx.progress(`waiting for session ${session.id}`);
  try {
    return await session.waitReady(timeoutMs, ctx.signal);
  } catch (error) {
    if (!ctx.signal.aborted) throw error;
    const reason = ctx.signal.reason as InterruptedError;
    throw reason.saying(`interrupted: session ${session.id} goes on`, `tenki sandbox wait ${session.id}`);
  } finally {
    progress.stop();
  }
}
