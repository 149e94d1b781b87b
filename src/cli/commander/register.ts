import { Argument, Option } from "commander";
import type { CommandDefinition } from "../command.js";
import { commonFlags } from "../flags/common.js";
import { type ArgumentSpec, flag, flagName, type FlagSpec, optional } from "../flags/flag.js";
import type { Parser } from "../flags/parsers/parser.js";
import { session } from "../flags/parsers/sessions.js";
import type { TenkiCommand } from "./tenki-command.js";

export type FlagTable = Readonly<Record<string, FlagSpec<unknown>>>;
export type ArgumentTable = Readonly<Record<string, ArgumentSpec<unknown>>>;

const sessionFlag = flag("ID|NAME", "the session (default: TENKI_SESSION, then the current one)", session);
const sessionArgument = optional(
  "SESSION",
  "its id or name (default: TENKI_SESSION, then the current one)",
  session,
);

/** All flags of a command but the common ones. */
export const flagsOf = ({ needsSession, flags = {} }: CommandDefinition): FlagTable =>
  needsSession === true ? { session: sessionFlag, ...flags } : flags;

const hasSessionArgument = (definition: CommandDefinition): boolean =>
  definition.needsSession === true && definition.arguments === undefined;

export const argumentsOf = (definition: CommandDefinition): ArgumentTable =>
  hasSessionArgument(definition) ? { session: sessionArgument } : (definition.arguments ?? {});

export const commonFlagsOf = (definition: CommandDefinition): FlagTable =>
  Object.fromEntries(Object.entries(commonFlags).filter(([key]) => !(key in (definition.flags ?? {}))));

/** Puts a table of flags on a command, under a heading of the help. */
export function registerFlags(
  target: TenkiCommand,
  heading: string,
  flags: FlagTable,
  { hidden = false }: { readonly hidden?: boolean } = {},
): void {
  for (const [key, spec] of Object.entries(flags)) {
    for (const option of optionsFor(target, key, spec)) {
      target.addOption(option.helpGroup(heading).hideHelp(hidden || option.hidden));
    }
  }
}

export function registerArguments(target: TenkiCommand, table: ArgumentTable): void {
  for (const spec of Object.values(table)) {
    const name = spec.kind === "variadic" ? `${spec.placeholder}...` : spec.placeholder;
    target.addArgument(new Argument(spec.kind === "required" ? `<${name}>` : `[${name}]`, spec.summary));
  }
}

/** The words of one command as what its `run` takes. */
export function bindOptions(source: TenkiCommand, definition: CommandDefinition): Record<string, unknown> {
  const flags = Object.entries(flagsOf(definition)).map(([key, spec]) => {
    const value: unknown = source.getOptionValue(key) ?? spec.fallback;
    if (spec.required === true && value === undefined) {
      source.refuse(`missing flag --${flagName(key)} for "${source.path}"`);
    }
    return [key, value];
  });
  if (definition.passesOn === true)
    return { ...Object.fromEntries(flags), ...bindPassedOn(source, definition) };
  const bound = { ...Object.fromEntries(flags), ...bindArguments(source, argumentsOf(definition)) };
  if (!hasSessionArgument(definition)) return bound;
  const given = source.getOptionValue("session") as string | undefined;
  if (given !== undefined && bound["session"] !== undefined && given !== bound["session"]) {
    source.refuse(`two sessions are named: "${given}" and "${String(bound["session"])}"`);
  }
  return { ...bound, session: bound["session"] ?? given };
}

/** The session, where it stands among the words, and the words that are left. */
function bindPassedOn(source: TenkiCommand, definition: CommandDefinition): Record<string, unknown> {
  const key = Object.keys(argumentsOf(definition)).at(-1) ?? "";
  const given = source.getOptionValue("session") as string | undefined;
  if (given !== undefined || source.startsWithDashes) return { session: given, [key]: source.args };
  const [first, ...rest] = source.args;
  const bound = first === undefined ? undefined : readWord(source, session, first, "SESSION");
  return { session: bound, [key]: rest[0] === "--" ? rest.slice(1) : rest };
}

function bindArguments(source: TenkiCommand, table: ArgumentTable): Record<string, unknown> {
  const bound: Record<string, unknown> = {};
  for (const [at, [key, spec]] of Object.entries(table).entries()) {
    const read = (word: string) => readWord(source, spec.parser, word, spec.placeholder);
    if (spec.kind === "variadic") bound[key] = source.args.slice(at).map(read);
    else bound[key] = source.args[at] === undefined ? spec.fallback : read(source.args[at]);
  }
  return bound;
}

function optionsFor(target: TenkiCommand, key: string, spec: FlagSpec<unknown>): Option[] {
  const name = `--${flagName(key)}`;
  const short = spec.short === undefined ? "" : `-${spec.short}, `;
  if (spec.kind === "boolean") {
    const on = new Option(`${short}${name}`, spec.summary).hideHelp(spec.fallback === true);
    const off = new Option(`--no-${flagName(key)}`, spec.summary).hideHelp(spec.fallback !== true);
    return [on, off];
  }
  const value = spec.kind === "optional" ? `[${spec.placeholder}]` : `<${spec.placeholder}>`;
  const option = new Option(`${short}${name} ${value}`, spec.summary).argParser(collect(target, name, spec));
  if (spec.alias === undefined) return [option];
  const alias = new Option(`--${spec.alias} ${value}`, spec.summary).hideHelp();
  alias.attributeName = () => key;
  return [option, alias.argParser(collect(target, `--${spec.alias}`, spec))];
}

function collect(target: TenkiCommand, name: string, spec: FlagSpec<unknown>) {
  const { parser, commas } = spec;
  return (word: string, before: unknown): unknown => {
    if (parser === undefined) return word;
    if (spec.kind !== "repeated") return readWord(target, parser, word, name);
    const words = commas === true ? word.split(",").map((part) => part.trim()) : [word];
    return [
      ...((before as unknown[] | undefined) ?? []),
      ...words.map((each) => readWord(target, parser, each, name)),
    ];
  };
}

function readWord(source: TenkiCommand, parser: Parser<unknown>, word: string, place: string): unknown {
  const value = parser.read(word);
  if (value === undefined)
    source.refuse(
      `invalid ${parser.noun}${parser.isSecret === true ? "" : ` "${word}"`} for ${place}: expected ${parser.expected}`,
    );
  return value;
}
