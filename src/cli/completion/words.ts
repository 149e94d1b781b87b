import type { CommandDescription, FlagDescription } from "../reference/describe.js";

/** What can follow one command, ready for a shell: made once for all shells. */
export interface Completion {
  /** The words that lead here, by name: `tenki sandbox fs`. */
  readonly path: string;
  /** Names and aliases of the commands below, with their summaries. */
  readonly commands: readonly { readonly names: readonly string[]; readonly summary: string }[];
  readonly flags: readonly FlagCompletion[];
  /** What the arguments can be. */
  readonly words: readonly string[];
  readonly completesFiles: boolean;
}

export interface FlagCompletion {
  readonly long: string;
  readonly short: string | undefined;
  readonly summary: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
  readonly completesFiles: boolean;
}

export function completionOf(each: CommandDescription): Completion {
  return {
    path: each.path.join(" "),
    commands: each.children.map((child) => ({
      names: [child.path.at(-1) ?? "", ...child.aliases],
      summary: child.summary,
    })),
    flags: [...each.flags, ...each.commonFlags].map(flagCompletion).concat(helpFlag),
    words: each.arguments.flatMap(({ choices }) => choices),
    completesFiles: each.path.at(-1) === "cp" || each.arguments.some((argument) => argument.completesFiles),
  };
}

const flagCompletion = ({ name, short, spec }: FlagDescription): FlagCompletion => ({
  long: name,
  short,
  summary: spec.summary,
  takesValue: spec.kind === "value" || spec.kind === "repeated",
  choices: spec.parser?.choices ?? [],
  completesFiles: spec.parser?.completesFiles === true,
});

const helpFlag: FlagCompletion = {
  long: "--help",
  short: "-h",
  summary: "show this",
  takesValue: false,
  choices: [],
  completesFiles: false,
};
