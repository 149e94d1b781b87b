import type { Argument, Command, Option } from "commander";
import type { TenkiCommand } from "./tenki-command.js";

export interface HelpTexts {
  readonly summary: string;
  readonly description?: string | undefined;
  /** Default: made from the arguments. */
  readonly usage?: string | undefined;
  readonly examples?: readonly (readonly [command: string, what: string])[] | undefined;
}

/** What `--help` says: summary, description, arguments, flags, examples. */
export function describeHelp(target: TenkiCommand, texts: HelpTexts): void {
  const summary = `${texts.summary[0]?.toUpperCase() ?? ""}${texts.summary.slice(1)}.`;
  target
    .description([summary, texts.description].filter((part) => part !== undefined).join("\n\n"))
    .usage(texts.usage ?? ["[flags]", ...target.registeredArguments.map(argumentTerm)].join(" "))
    .configureHelp({ subcommandTerm, argumentTerm, optionTerm })
    .addHelpText("after", exampleText(texts.examples ?? []));
}

function exampleText(examples: readonly (readonly [string, string])[]): string {
  if (examples.length === 0) return "";
  const width = Math.max(...examples.map(([command]) => command.length));
  const isWide = width > 48;
  const lines = examples.map(([command, what]) =>
    isWide ? `  # ${what}\n  ${command}` : `  ${command.padEnd(width)}  # ${what}`,
  );
  return `\nExamples:\n${lines.join("\n")}`;
}

const subcommandTerm = (each: Command): string => [each.name(), ...each.aliases()].join(", ");

function argumentTerm(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

/** Flags without a short form are indented as if they had one. */
function optionTerm(option: Option): string {
  return option.short === undefined ? `    ${option.flags}` : option.flags;
}
