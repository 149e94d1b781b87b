import { paragraphs, sentence as asSentence } from "../commander/help.js";
import type { CommandDescription, FlagDescription } from "./describe.js";
import { flatten } from "./describe.js";

/** `docs/commands.md`: every command with its arguments, flags and examples. */
export function commandsMarkdown(root: CommandDescription): string {
  const sections = flatten(root).slice(1).map(sectionOf);
  return `${[introduction, flagTable("Common flags", root.commonFlags), ...sections].join("\n\n")}\n`;
}

const introduction = `# Commands

Made from the commands themselves by \`npm run docs\`. How they behave in general (settings, output, exit codes) is in
[command-line.md](command-line.md).`;

function sectionOf(each: CommandDescription): string {
  const name = each.path.join(" ");
  const parts = [`${"#".repeat(each.path.length)} ${name}`, sentence(each)];
  if (each.children.length > 0) parts.push(each.children.map((child) => childLine(child)).join("\n"));
  if (each.runs) parts.push(fenced([[name, ...each.arguments.map(({ term }) => term), "[flags]"].join(" ")]));
  if (each.arguments.length > 0) {
    parts.push(each.arguments.map(({ term, summary }) => `- \`${term}\`: ${summary}`).join("\n"));
  }
  if (each.flags.length > 0) parts.push(flagTable(undefined, each.flags));
  if (each.examples.length > 0) parts.push(fenced(each.examples.map(([line, what]) => `# ${what}\n${line}`)));
  return parts.join("\n\n");
}

function sentence({ summary, description, aliases }: CommandDescription): string {
  const also = aliases.length === 0 ? "" : ` Also: ${aliases.map((alias) => `\`${alias}\``).join(", ")}.`;
  return [`${asSentence(summary)}${also}`, ...paragraphs(description).map(escape)].join("\n\n");
}

const childLine = ({ path, summary }: CommandDescription): string =>
  `- [${path.join(" ")}](#${path.join("-")}): ${summary}`;

function flagTable(title: string | undefined, flags: readonly FlagDescription[]): string {
  const rows = flags.map(({ name, short, spec }) => {
    const value =
      spec.kind === "optional"
        ? ` [${spec.placeholder}]`
        : spec.kind === "boolean"
          ? ""
          : ` ${spec.placeholder}`;
    const repeats = spec.kind === "repeated" ? " (may be repeated)" : "";
    return `| \`${[short, name].filter((part) => part !== undefined).join(", ")}${value}\` | ${escape(spec.summary)}${repeats} |`;
  });
  const table = ["| flag | |", "| --- | --- |", ...rows].join("\n");
  return title === undefined ? table : `## ${title}\n\n${table}`;
}

const fenced = (lines: readonly string[]): string => ["```sh", ...lines, "```"].join("\n");

const escape = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
