import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { TenkiError } from "../../../domain/error.js";

/** A field that is left out, or 0, means that nothing was asked for. */
export function positiveMs(duration: Duration | undefined, field: string): number | undefined {
  const ms = durationMs(duration);
  if (ms < 0) throw new TenkiError("invalid_argument", `${field} must not be negative`);
  return ms === 0 ? undefined : ms;
}

export const durationMs = (duration: Duration | undefined): number =>
  duration === undefined ? 0 : Number(duration.seconds) * 1_000 + duration.nanos / 1e6;

export const durationFromMs = (ms: number): { seconds: bigint; nanos: number } => ({
  seconds: BigInt(Math.trunc(ms / 1_000)),
  nanos: Math.round((ms % 1_000) * 1e6),
});

export const toTimestamp = (date: Date | undefined): Timestamp | undefined =>
  date === undefined ? undefined : timestampFromDate(date);
