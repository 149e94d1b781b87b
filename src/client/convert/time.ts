import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";

/** An unset time is undefined; a time that the service left at zero counts as unset. */
export function dateFromWire(time: Timestamp | undefined): Date | undefined {
  if (time === undefined || (time.seconds === 0n && time.nanos === 0)) return undefined;
  return new Date(Number(time.seconds) * 1_000 + Math.floor(time.nanos / 1e6));
}

export function millisFromWire(duration: Duration | undefined): number | undefined {
  return duration === undefined ? undefined : Number(duration.seconds) * 1_000 + duration.nanos / 1e6;
}

type WireTime = Pick<Timestamp, "seconds" | "nanos">;

export const dateToWire = (date: Date | undefined): WireTime | undefined =>
  date === undefined ? undefined : wireTime(date.getTime());

export const millisToWire = (ms: number | undefined): WireTime | undefined =>
  ms === undefined ? undefined : wireTime(ms);

function wireTime(ms: number): WireTime {
  const seconds = Math.floor(ms / 1_000);
  return { seconds: BigInt(seconds), nanos: Math.round((ms - seconds * 1_000) * 1e6) };
}
