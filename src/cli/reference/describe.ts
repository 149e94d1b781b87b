import { type CommandDefinition, type CommandGroup, type CommandNode, isGroup } from "../command.js";
import { argumentsOf, commonFlagsOf, flagsOf } from "../commander/register.js";
import { commonFlags } from "../flags/common.js";
import { flagName, type FlagSpec } from "../flags/flag.js";

export interface FlagDescription {
  /** `--memory-mb`; `--no-wait` for one that is on. */
  readonly name: string;
  readonly short: string | undefined;
  readonly spec: FlagSpec<unknown>;
}

export interface ArgumentDescription {
  /** `<DURATION>`, `[SESSION]`, `[PROGRAM...]` */
  readonly term: string;
  readonly summary: string;
  readonly choices: readonly string[];
  readonly completesFiles: boolean;
}

/** One command or group with all that is below it: what documents and completion are made from. */
export interface CommandDescription {
  /** `tenki`, `sandbox`, `create` */
  readonly path: readonly string[];
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly description: string | undefined;
  readonly arguments: readonly ArgumentDescription[];
  readonly flags: readonly FlagDescription[];
  readonly commonFlags: readonly FlagDescription[];
  readonly examples: readonly (readonly [command: string, what: string])[];
  /** It does something by itself; a group that does has commands besides. */
  readonly runs: boolean;
  readonly children: readonly CommandDescription[];
}

/** Loads every command there is. */
export async function describe(node: CommandNode, path: readonly string[]): Promise<CommandDescription> {
  const about = { path, aliases: node.aliases ?? [], summary: node.summary };
  if (!isGroup(node)) return { ...about, ...describeDefinition((await node.load()).define), children: [] };
  const children = Object.entries(node.commands).map(([name, child]) => describe(child, [...path, name]));
  const own = node.load === undefined ? describeGroup(node) : describeDefinition((await node.load()).define);
  return { ...about, ...own, children: await Promise.all(children) };
}

const describeGroup = ({ description }: CommandGroup) => ({
  ...{ description, runs: false, arguments: [], flags: [], examples: [] },
  commonFlags: describeFlags(commonFlags),
});

/** All commands, groups before what is in them. */
export const flatten = (root: CommandDescription): readonly CommandDescription[] => [
  root,
  ...root.children.flatMap(flatten),
];

function describeDefinition(define: CommandDefinition) {
  return {
    description: define.description,
    arguments: Object.values(argumentsOf(define)).map(({ kind, placeholder, summary, parser }) => ({
      term: argumentTerm(kind, placeholder),
      summary,
      choices: parser.choices ?? [],
      completesFiles: parser.completesFiles === true,
    })),
    flags: describeFlags(flagsOf(define)),
    commonFlags: describeFlags(commonFlagsOf(define)),
    examples: define.examples ?? [],
    runs: true,
  };
}

function argumentTerm(kind: "required" | "optional" | "variadic", placeholder: string): string {
  if (kind === "required") return `<${placeholder}>`;
  return kind === "optional" ? `[${placeholder}]` : `[${placeholder}...]`;
}

const describeFlags = (table: Readonly<Record<string, FlagSpec<unknown>>>): FlagDescription[] =>
  Object.entries(table).map(([key, spec]) => ({
    name: `--${spec.fallback === true ? "no-" : ""}${flagName(key)}`,
    short: spec.short === undefined ? undefined : `-${spec.short}`,
    spec,
  }));
