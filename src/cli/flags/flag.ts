import type { Parser } from "./parsers/parser.js";

/** One flag of a command, as data; `T` is what the command gets. */
export interface FlagSpec<T> {
  /** `optional`: a value may follow or not; `repeated`: may be given again, each adds. */
  readonly kind: "boolean" | "value" | "optional" | "repeated";
  readonly summary: string;
  /** What stands for the value in the help: `DURATION`. */
  readonly placeholder: string;
  /** One letter. */
  readonly short?: string | undefined;
  /** Another name that is accepted and not shown. */
  readonly alias?: string | undefined;
  readonly parser?: Parser<unknown> | undefined;
  /** Each word is a comma list. */
  readonly commas?: boolean | undefined;
  /** It has to be given. */
  readonly required?: boolean | undefined;
  /** What the command gets when the flag is not given. */
  readonly fallback: T;
}

interface FlagExtras {
  readonly short?: string | undefined;
  readonly alias?: string | undefined;
}

/** `--name NAME`; the last one counts where it is given twice. */
export function flag<T>(
  placeholder: string,
  summary: string,
  parser: Parser<T>,
  extras: FlagExtras = {},
): FlagSpec<T | undefined> {
  return { kind: "value", placeholder, summary, parser, fallback: undefined, ...extras };
}

/** A flag that has to be given. */
export function requiredFlag<T>(placeholder: string, summary: string, parser: Parser<T>): FlagSpec<T> {
  return { kind: "value", placeholder, summary, parser, required: true, fallback: undefined as T };
}

/** `--api-key` or `--api-key KEY`: `true` where no value follows. */
export function optionalValue<T>(
  placeholder: string,
  summary: string,
  parser: Parser<T>,
): FlagSpec<T | true | undefined> {
  return { kind: "optional", placeholder, summary, parser, fallback: undefined };
}

/** `--env A=1 --env B=2` */
export function repeated<T>(
  placeholder: string,
  summary: string,
  parser: Parser<T>,
  extras: FlagExtras = {},
): FlagSpec<readonly T[]> {
  return { kind: "repeated", placeholder, summary, parser, fallback: [], ...extras };
}

/** `--tags a,b --tags c` */
export function commaList<T>(
  placeholder: string,
  summary: string,
  parser: Parser<T>,
): FlagSpec<readonly T[]> {
  return { kind: "repeated", placeholder, summary, parser, commas: true, fallback: [] };
}

/** `--sticky`, `--sticky=false`, `--no-sticky`; undefined where nothing is said. */
export function toggle(summary: string, extras: FlagExtras = {}): FlagSpec<boolean | undefined> {
  return { kind: "boolean", placeholder: "", summary, fallback: undefined, ...extras };
}

/** A boolean with a default: one that is on is shown as `--no-wait`. */
export function toggleFrom(fallback: boolean, summary: string, extras: FlagExtras = {}): FlagSpec<boolean> {
  return { kind: "boolean", placeholder: "", summary, fallback, ...extras };
}

/** One positional argument, as data. */
export interface ArgumentSpec<T> {
  readonly kind: "required" | "optional" | "variadic";
  readonly placeholder: string;
  readonly summary: string;
  readonly parser: Parser<unknown>;
  readonly fallback: T;
}

export function required<T>(placeholder: string, summary: string, parser: Parser<T>): ArgumentSpec<T> {
  return { kind: "required", placeholder, summary, parser, fallback: undefined as T };
}

export function optional<T>(
  placeholder: string,
  summary: string,
  parser: Parser<T>,
): ArgumentSpec<T | undefined> {
  return { kind: "optional", placeholder, summary, parser, fallback: undefined };
}

/** All the words that are left; may be none. */
export function variadic<T>(
  placeholder: string,
  summary: string,
  parser: Parser<T>,
): ArgumentSpec<readonly T[]> {
  return { kind: "variadic", placeholder, summary, parser, fallback: [] };
}

/** `memoryMb` → `memory-mb` */
export const flagName = (key: string): string =>
  key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
