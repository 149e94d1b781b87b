import type { Parser } from "./parser.js";

export const text: Parser<string> = { noun: "value", expected: "a text", read: (word) => word };

/** As `text`, and not empty. */
export const filled: Parser<string> = { noun: "value", expected: "a text that is not empty", read: orEmpty };

/** It travels in a header: one word, without spaces. */
export const token: Parser<string> = {
  noun: "token",
  expected: "one word of letters, digits and signs",
  isSecret: true,
  read: (word) => (/^[\x21-\x7e]+$/.test(word.trim()) ? word.trim() : undefined),
};

/** A command's name and value: `KEY=VALUE`; the value may be empty and hold more of `=`. */
export const keyValue: Parser<readonly [string, string]> = {
  noun: "key=value",
  expected: "a name, =, and a value, like owner=alice",
  read(word) {
    const at = word.indexOf("=");
    return at < 1 || word.includes("\0") ? undefined : [word.slice(0, at), word.slice(at + 1)];
  },
};

export function oneOf<const T extends string>(noun: string, choices: readonly T[]): Parser<T> {
  return {
    noun,
    expected: choices.join(", "),
    choices,
    read: (word) => choices.find((choice) => choice.toLowerCase() === word.toLowerCase()),
  };
}

/** As `parser` reads it, or the word `none`. */
export const orNone = <T>(parser: Parser<T>): Parser<T | "none"> => ({
  ...parser,
  expected: `${parser.expected}; or none`,
  read: (word) => (word === "none" ? word : parser.read(word)),
});

export function integer(bounds: { readonly min: number; readonly max: number }): Parser<number> {
  return {
    noun: "number",
    expected: `a whole number from ${bounds.min} to ${bounds.max}`,
    read(word) {
      const value = /^-?\d{1,15}$/.test(word) ? Number(word) : Number.NaN;
      return value >= bounds.min && value <= bounds.max ? value : undefined;
    },
  };
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const uuid: Parser<string> = {
  noun: "id",
  expected: "an id like 5b0e4f6e-0d5c-4f0e-9b0a-6f6d3c1c2a11",
  read: (word) => (uuidPattern.test(word) ? word.toLowerCase() : undefined),
};

/** None where the word is empty. */
export function orEmpty(word: string): string | undefined {
  return word.trim() === "" ? undefined : word;
}
