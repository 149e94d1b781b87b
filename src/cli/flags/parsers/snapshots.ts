import type { Parser } from "./parser.js";
import { orEmpty } from "./words.js";

/** A snapshot by its id or its name. */
export const snapshot: Parser<string> = {
  noun: "snapshot",
  expected: "the id or the name of a snapshot",
  read: orEmpty,
};

export const snapshotName: Parser<string> = {
  noun: "name",
  expected: "up to 64 characters, no space at its ends",
  read: (word) => (word.trim() === word && /^[^\p{C}]{1,64}$/u.test(word) ? word : undefined),
};
