import { TenkiError } from "../domain/error.js";
import { maxTags } from "./flags/parsers/sessions.js";

/** How long a new session may take until it is ready. */
export const defaultWaitMs = 180_000;

export function checkTags(tags: readonly string[]): readonly string[] {
  if (tags.length <= maxTags) return tags;
  throw new TenkiError("usage", `too many tags: ${tags.length}, and a session carries at most ${maxTags}`);
}

/** Pairs as an object; the last one counts where a name is given twice. */
export const toRecord = (pairs: readonly (readonly [string, string])[]): Record<string, string> =>
  Object.fromEntries(pairs);
