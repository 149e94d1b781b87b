import { parseGoDuration } from "../../../lib/go-duration.js";
import type { Parser } from "./parser.js";

/** Ten years: what is longer is a slip, and past what the contract has numbers for. */
const longestDurationMs = 87_600 * 3_600_000;

/** Milliseconds. */
export const duration: Parser<number> = {
  noun: "duration",
  expected: "a number with its unit, like 30s, 2m or 1h30m, up to 87600h",
  read(word) {
    const ms = parseGoDuration(word);
    return ms === undefined || ms < 0 || ms > longestDurationMs ? undefined : ms;
  },
};

/** Milliseconds, more than none. */
export const positiveDuration: Parser<number> = {
  ...duration,
  expected: "more than 0, like 30s, 2m or 1h30m, up to 87600h",
  read: (word) => duration.read(word) || undefined,
};

/** How often something is asked for: a service is not to be asked all the time. */
export const interval: Parser<number> = {
  ...duration,
  expected: "at least 100ms, like 500ms, 2s or 1m",
  read(word) {
    const ms = duration.read(word) ?? 0;
    return ms >= 100 && ms <= 2 ** 31 - 1 ? ms : undefined;
  },
};

/** Whole minutes; 0 = never. */
export const minutes: Parser<number> = {
  noun: "duration",
  expected: "whole minutes, like 30m or 2h, up to 87600h; 0 for never",
  read(word) {
    const ms = duration.read(word);
    return ms === undefined || ms % 60_000 !== 0 ? undefined : ms / 60_000;
  },
};

/** The contract counts a command's time in 32 bits of milliseconds. */
export const commandTimeout: Parser<number> = {
  ...duration,
  expected: "a number with its unit, like 30s, 2m or 1h30m, up to 1193h; 0 for never",
  read(word) {
    const ms = duration.read(word);
    return ms === undefined || ms > 0xffffffff ? undefined : Math.ceil(ms);
  },
};

/** A moment that is to come: in RFC 3339, or so long from now. */
export const moment: Parser<Date> = {
  noun: "time",
  expected: "one to come, like 2031-01-31T12:00:00Z, or a duration from now, like 24h",
  read(word) {
    const ms = positiveDuration.read(word);
    const at = ms === undefined ? rfc3339(word) : new Date(Date.now() + ms);
    return at !== undefined && at.getTime() > Date.now() ? at : undefined;
  },
};

function rfc3339(word: string): Date | undefined {
  if (!/^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(word)) return undefined;
  const at = new Date(word);
  return Number.isNaN(at.getTime()) ? undefined : at;
}
