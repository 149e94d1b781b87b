import { printable } from "./printable.js";
import { type Fields, formatTime, type Value } from "./view.js";

/** One object: a line `key   : value` per field, the colons aligned; fields without a value are left out. */
export function objectText(fields: Fields): string {
  const shown = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined);
  const width = Math.max(0, ...shown.map(([key]) => printable(key).length));
  return shown.map(([key, value]) => `${printable(key).padEnd(width)} : ${valueText(value)}\n`).join("");
}

function valueText(value: Value): string {
  if (value instanceof Date) return formatTime(value);
  if (Array.isArray(value)) return value.length === 0 ? "-" : value.map(valueText).join(", ");
  if (value !== null && typeof value === "object") return pairsText(value as Fields);
  return printable(String(value));
}

function pairsText(fields: Fields): string {
  const pairs = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined);
  return pairs.map(([key, value]) => `${printable(key)}=${valueText(value)}`).join(" ") || "-";
}
