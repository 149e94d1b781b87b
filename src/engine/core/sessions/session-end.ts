import { TenkiError } from "../../../domain/error.js";
import { longestDurationMs, longestRetentionMs } from "../workspace/limits.js";

/** The moment so long after `from`; refuses what is no length of time, and what is too far away from `now`. */
export function endAfter(from: Date, durationMs: number, now: Date): Date {
  if (!(durationMs > 0)) throw new TenkiError("invalid_argument", "a duration must be more than 0");
  const endMs = from.getTime() + durationMs;
  if (endMs - now.getTime() <= longestDurationMs) return new Date(endMs);
  throw new TenkiError("invalid_argument", "a session ends 30 days from now at the latest");
}

/** Refuses to keep a paused session for longer than anybody remembers it. */
export function checkRetention(retentionMs: number | undefined): number | undefined {
  if (retentionMs === undefined || (retentionMs > 0 && retentionMs <= longestRetentionMs)) return retentionMs;
  throw new TenkiError("invalid_argument", "pause_retention must be more than 0, and 365 days at most");
}

/** A workspace may say more than a session may. */
export const retainedUntil = (pausedAt: Date, retentionMs: number): Date =>
  new Date(pausedAt.getTime() + Math.min(retentionMs, longestRetentionMs));
