import type { Parser } from "./parser.js";
import { orEmpty } from "./words.js";

export const session: Parser<string> = {
  noun: "session",
  expected: "the id or the name of a session",
  read: orEmpty,
};

export const sessionName: Parser<string> = {
  noun: "name",
  expected: "up to 64 letters, digits, and . _ -, a letter or a digit first",
  read: (word) => (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(word) ? word : undefined),
};

export const tag: Parser<string> = {
  noun: "tag",
  expected: "up to 32 small letters, digits and _ : . -, a letter or a digit first",
  read: (word) => (/^[a-z0-9][a-z0-9_:.-]{0,31}$/.test(word) ? word : undefined),
};

export const maxTags = 20;
