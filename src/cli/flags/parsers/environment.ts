import type { Parser } from "./parser.js";

/** A variable that a command gets: with its value, or by its name, for the value that it has on this side. */
export interface EnvironmentEntry {
  readonly name: string;
  /** Undefined: as it is on this side. */
  readonly value: string | undefined;
}

/** An environment variable: `NAME=VALUE`, or `NAME`. */
export const environmentEntry: Parser<EnvironmentEntry> = {
  noun: "key=value",
  expected: "a variable's name, =, and its value, like DEBUG=1; or the name of one that is set here",
  read(word) {
    const at = word.indexOf("=");
    const name = at < 0 ? word : word.slice(0, at);
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || word.includes("\0")) return undefined;
    return { name, value: at < 0 ? undefined : word.slice(at + 1) };
  },
};
