import type { Session } from "../client/index.js";
import type { SessionState } from "../domain/session.js";
import type { Context } from "./context.js";
import { defaultWaitMs } from "./session-options.js";
import { waitPaused, waitResumed } from "./wait-ready.js";

/** So many pauses may come in the way of one start; who is paused more often is being kept from it. */
const mostPauses = 5;

/**
 * Resumes a session and starts something in it. A pause that begins after the look at its state refuses the start,
 * which has begun nothing then: it is resumed, and started, once more.
 */
export async function startResumed<T>(session: Session, ctx: Context, start: () => Promise<T>): Promise<T> {
  for (let left = mostPauses; ; left -= 1) {
    await resumeFirst(session, ctx);
    try {
      return await start();
    } catch (error) {
      const { state } = error as { readonly state?: SessionState | undefined };
      if (left === 0 || state === undefined || !notAtWork.has(state)) throw error;
    }
  }
}

/** Resumes a session that is paused, or about to be; any other is left as it is. */
async function resumeFirst(session: Session, ctx: Context): Promise<void> {
  let { state } = await session.refresh();
  if (state === "PAUSING") ({ state } = await waitPaused(session, ctx, defaultWaitMs));
  if (state === "RESUMING") return void (await waitResumed(session, ctx, defaultWaitMs));
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
const notAtWork: ReadonlySet<SessionState> = new Set([...resting, "PAUSING", "RESUMING"]);
