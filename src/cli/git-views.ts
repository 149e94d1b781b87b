import type { Context } from "./context.js";
import { flag } from "./flags/flag.js";
import { remotePath } from "./flags/parsers/paths.js";
import { printable } from "./output/printable.js";
import { doneView, textView, type View } from "./output/view.js";

export const directoryFlag = flag("DIR", "another repository, rooted in /home/tenki", remotePath);

/** Of an operation that changes something: git's own words, as a message. */
export function saidByGit(operation: string, output: string): View {
  const lines = output.trim().split("\n").map(printable);
  return doneView(lines.join("\n"), { operation, output });
}

/** What was asked for, as git has it; as text nothing at all where that is nothing. */
export const shownByGit = (operation: string, output: string, { common }: Context): View | undefined =>
  output === "" && common.output === "text" ? undefined : textView(output, { operation, output });
