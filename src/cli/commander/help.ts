import type { Argument, Command, Help, Option } from "commander";
import type { TenkiCommand } from "./tenki-command.js";

export interface HelpTexts {
  readonly summary: string;
  readonly aliases?: readonly string[] | undefined;
  readonly description?: string | undefined;
  /** Default: made from the arguments. */
  readonly usage?: string | undefined;
  readonly examples?: readonly (readonly [command: string, what: string])[] | undefined;
}

/** What `--help` says: usage, what it does, commands or arguments, flags, examples. */
export function describeHelp(target: TenkiCommand, texts: HelpTexts): void {
  const usage = texts.usage ?? [...target.registeredArguments.map(argumentTerm), "[flags]"].join(" ");
  const also = texts.aliases === undefined ? [] : [`Also: ${texts.aliases.join(", ")}`];
  target
    .usage(usage)
    .description([sentence(texts.summary), ...paragraphs(texts.description), ...also].join("\n\n"))
    .configureHelp({
      formatHelp: (_, helper) => formatHelp(target, helper, texts),
      subcommandTerm,
      argumentTerm,
      optionTerm,
    });
}

/** `make a session` → `Make a session.` */
export const sentence = (summary: string): string => `${summary[0]?.toUpperCase() ?? ""}${summary.slice(1)}.`;

/** A line feed in the source is none to the reader; an empty line begins a paragraph. */
export const paragraphs = (text: string | undefined): readonly string[] =>
  text === undefined ? [] : text.split("\n\n").map((part) => part.replaceAll("\n", " "));

function formatHelp(target: TenkiCommand, helper: Help, { examples = [] }: HelpTexts): string {
  const width = helper.helpWidth ?? 80;
  const indent = helper.padWidth(target, helper);
  const line = (term: string, text: string) => helper.formatItem(term, indent, text, helper);
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : ["", title, ...lines];
  const flags = helper.visibleOptions(target);
  const group = (title: string) => flags.filter((option) => option.helpGroupHeading === title);
  const flagLines = (options: readonly Option[]) =>
    options.map((each) => line(optionTerm(each), each.description));
  return [
    `Usage: ${target.path} ${target.usage()}`,
    "",
    helper.boxWrap(target.description(), width),
    ...section(
      "Commands:",
      helper.visibleCommands(target).map((each) => line(subcommandTerm(each), each.summary())),
    ),
    ...section(
      "Arguments:",
      target.registeredArguments.map((each) => line(argumentTerm(each), each.description)),
    ),
    ...section("Flags:", flagLines(group("Flags:"))),
    ...section("Common flags:", flagLines(group("Common flags:"))),
    ...section("Examples:", exampleLines(examples)),
    "",
  ].join("\n");
}

/** The command, and what it does beside it where there is room, above it where there is none. */
function exampleLines(examples: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(0, ...examples.map(([command]) => command.length));
  if (width > 48) return examples.map(([command, what]) => `  # ${what}\n  ${command}`);
  return examples.map(([command, what]) => `  ${command.padEnd(width)}  # ${what}`);
}

const subcommandTerm = (each: Command): string => [each.name(), ...each.aliases()].join(", ");

function argumentTerm(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

/** `-o, --output FORMAT`; flags without a short form are indented as if they had one. */
function optionTerm(option: Option): string {
  const term = option.flags.replace("<", "").replace(/>$/, "");
  return option.short === undefined ? `    ${term}` : term;
}
