import type { Session } from "../client/index.js";
import type { SessionState } from "../domain/session.js";
import type { Context } from "./context.js";
import { defaultWaitMs } from "./session-options.js";
import { waitPaused, waitResumed } from "./wait-ready.js";

/** Resumes a session that is paused, or about to be; any other is left as it is. */
export async function resumeFirst(session: Session, ctx: Context): Promise<void> {
  let { state } = await session.refresh();
  if (state === "PAUSING") ({ state } = await waitPaused(session, ctx, defaultWaitMs));
  if (!resting.has(state)) return;
  try {
    await session.resume();
  } catch (error) {
    // Somebody else may have been faster, and then there is nothing to do but to wait.
    if (resting.has((await session.refresh()).state)) throw error;
  }
  await waitResumed(session, ctx, defaultWaitMs);
}

const resting: ReadonlySet<SessionState> = new Set(["PAUSED", "USER_SHUTDOWN"]);
