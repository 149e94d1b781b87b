import { readdirSync, readFileSync } from "node:fs";

/** The command lines of all processes that this machine has now, its sandboxes' too, with spaces between the words. */
export const processArguments = (): string[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(argumentsOf);

function argumentsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return ""; // it ended while we looked
  }
}
