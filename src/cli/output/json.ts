import { formatTime, type Value } from "./view.js";

/** One document; `compact` puts it on one line. */
export const jsonText = (value: Value, { compact = false } = {}): string =>
  `${JSON.stringify(plainValue(value), undefined, compact ? undefined : 2)}\n`;

/** The value as JSON and YAML know it: times as RFC 3339, what is undefined left out. */
export function plainValue(value: Value): unknown {
  if (value instanceof Date) return formatTime(value);
  if (Array.isArray(value)) return value.map(plainValue);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries.map(([key, each]) => [key, plainValue(each)]));
}
