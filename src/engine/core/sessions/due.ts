import type { SessionRecord } from "../ports/store.js";

/** What has to be done with a session, though nobody asks for it. */
export type Due =
  | { readonly action: "end"; readonly why: string }
  | { readonly action: "pause" }
  /** Its last change of state was not finished. */
  | { readonly action: "settle" };

/** What the record does not say of a session. */
export interface DueFacts {
  /** It is being started. */
  readonly booting: boolean;
  /** Something goes on in it that has not ended. */
  readonly busy: boolean;
  /** When it last could not be paused. */
  readonly pauseFailedAt?: Date | undefined;
}

export const overtime = "it reached its max_duration";

/** What is due at `now`; undefined where nothing is. */
export function whatIsDue(record: SessionRecord, facts: DueFacts, now: Date): Due | undefined {
  const { state, timeoutAt, pauseExpiresAt } = record;
  if (isPast(timeoutAt, now)) return { action: "end", why: overtime };
  if (state === "PAUSED" && isPast(pauseExpiresAt, now))
    return { action: "end", why: "its pause_retention is over" };
  const abandoned = state === "TERMINATING" || (state === "CREATING" && !facts.booting);
  if (abandoned) return { action: "end", why: "it could not be created" };
  if (state === "PAUSING" || (state === "RESUMING" && !facts.booting)) return { action: "settle" };
  return isPast(idleAt(record, facts), now) ? { action: "pause" } : undefined;
}

/** When something will be due, if nothing changes until then. */
export function nextDueMs(record: SessionRecord, facts: DueFacts, now: Date): number {
  const { state, timeoutAt, pauseExpiresAt } = record;
  const times = [timeoutAt, state === "PAUSED" ? pauseExpiresAt : undefined, idleAt(record, facts)];
  return Math.min(...times.map((time) => (time !== undefined && time > now ? time.getTime() : Infinity)));
}

/** When it is paused for being idle; undefined = not by itself. */
function idleAt(record: SessionRecord, { busy, pauseFailedAt }: DueFacts): Date | undefined {
  const { state, sticky, idleTimeoutMinutes = 0, lastActivityAt } = record;
  if (state !== "RUNNING" || sticky || busy || idleTimeoutMinutes === 0) return undefined;
  const since = Math.max(lastActivityAt?.getTime() ?? 0, pauseFailedAt?.getTime() ?? 0);
  return new Date(since + idleTimeoutMinutes * 60_000);
}

const isPast = (time: Date | undefined, now: Date): boolean => time !== undefined && time <= now;
