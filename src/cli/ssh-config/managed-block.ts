import { parse } from "ssh-config";
import { sshValue } from "../ssh/ssh-value.js";

/**
 * Tenki's part of the user's ssh config: one Include, between two lines that mark it. The file is handled as bytes
 * (latin1): the ssh-config package changes white space, and refuses lines that ssh takes; it only looks things up.
 */
const begin = "# >>> tenki >>>";
const end = "# <<< tenki <<<";
const madeForIt = "the file was made for it";

export type BlockState = "missing" | "current" | "outdated" | "edited";

export interface FoundBlock {
  readonly state: BlockState;
  /** The file without it. */
  readonly rest: string;
  /** There was no such file before. */
  readonly madeFile: boolean;
}

function blockText(included: string, madeFile: boolean): string {
  const about = `put here by "tenki sandbox ssh config install"${madeFile ? `; ${madeForIt}` : ""}`;
  return `${begin} ${about}\nInclude ${sshValue(included)}\n${end}\n`;
}

/** Outdated: it includes another file, or stands where it does not count for all hosts. */
export function findBlock(text: string, included: string): FoundBlock {
  const start = lineStart(text, begin);
  if (start < 0) return { state: "missing", rest: text, madeFile: false };
  const last = lineStart(text, end, start);
  const stop = last < 0 ? text.length : afterLine(text, last);
  const block = text.slice(start, stop);
  const rest = text.slice(0, start) + text.slice(stop);
  const madeFile = block.includes(madeForIt);
  const isOurs = /^# >>> tenki >>> [^\n]*\nInclude [^\n]+\n# <<< tenki <<<\n$/.test(block);
  if (!isOurs || lineStart(rest, begin) >= 0) return { state: "edited", rest, madeFile };
  const isCurrent = block === blockText(included, madeFile) && !isInSection(text.slice(0, start));
  return { state: isCurrent ? "current" : "outdated", rest, madeFile };
}

/** First of all, since ssh takes the first value that it finds. */
export const withBlock = (rest: string, included: string, madeFile: boolean): string =>
  blockText(included, madeFile) + rest;

function isInSection(before: string): boolean {
  try {
    return parse(before).some((line) => "config" in line);
  } catch {
    return true; // what is not understood may be one
  }
}

function lineStart(text: string, marker: string, from = 0): number {
  for (let at = text.indexOf(marker, from); at >= 0; at = text.indexOf(marker, at + 1)) {
    if (at === 0 || text[at - 1] === "\n") return at;
  }
  return -1;
}

function afterLine(text: string, at: number): number {
  const feed = text.indexOf("\n", at);
  return feed < 0 ? text.length : feed + 1;
}
