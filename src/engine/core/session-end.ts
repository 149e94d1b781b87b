import { TenkiError } from "../../domain/error.js";
import { longestDurationMs } from "./limits.js";

/** The moment so long after `from`; refuses what is no length of time, and what is too far away from `now`. */
export function endAfter(from: Date, durationMs: number, now: Date): Date {
  if (!(durationMs > 0)) throw new TenkiError("invalid_argument", "a duration must be more than 0");
  const endMs = from.getTime() + durationMs;
  if (endMs - now.getTime() <= longestDurationMs) return new Date(endMs);
  throw new TenkiError("invalid_argument", "a session ends 30 days from now at the latest");
}
