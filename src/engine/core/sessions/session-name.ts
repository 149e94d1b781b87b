import { randomInt } from "node:crypto";
import { TenkiError } from "../../../domain/error.js";

const pattern = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/;

export function checkSessionName(name: string): string {
  if (pattern.test(name)) return name;
  throw new TenkiError(
    "invalid_argument",
    `name "${name.slice(0, 80)}" is not valid: up to 64 letters, digits, ".", "_" and "-", the first a letter or a digit`,
  );
}

/** A name that can be said aloud, for who gave none: about a million of them. */
export function inventSessionName(): string {
  const pick = (words: readonly string[]) => words[randomInt(words.length)] ?? "";
  return `${pick(manners)}-${pick(weathers)}-${randomInt(1_000, 10_000)}`;
}

/** What the sandbox calls itself: the name as far as a host may be called so. */
export function hostnameFor(name: string): string {
  const host = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, "-")
    .replace(/^-+/, "")
    .slice(0, 63)
    .replace(/-+$/, "");
  return host === "" ? "sandbox" : host;
}

const manners = [
  "brisk",
  "calm",
  "clear",
  "fair",
  "gentle",
  "keen",
  "light",
  "mild",
  "quick",
  "quiet",
  "still",
  "swift",
];
const weathers = [
  "breeze",
  "cloud",
  "dawn",
  "drizzle",
  "fog",
  "frost",
  "gale",
  "hail",
  "mist",
  "rain",
  "snow",
  "sun",
];
