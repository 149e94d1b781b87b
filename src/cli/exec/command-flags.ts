import { TenkiError } from "../../domain/error.js";
import type { Context } from "../context.js";
import { readEnvironment, textFile } from "../env-file.js";
import { flag, repeated, toggle, variadic } from "../flags/flag.js";
import { commandTimeout } from "../flags/parsers/times.js";
import { environmentEntry } from "../flags/parsers/environment.js";
import { filled, oneOf, text } from "../flags/parsers/words.js";
import { localFile } from "../flags/parsers/paths.js";

/** What a command that runs a program takes, whichever session that is in. */
export const programArgument = variadic("PROGRAM", "the program and its arguments", text);

export const shellLineFlag = {
  shell: flag("LINE", "a line for the shell in place of a program", filled, { short: "c" }),
} as const;

export const surroundingsFlags = {
  cwd: flag("DIR", "where it starts (default: /home/tenki)", filled),
  env: repeated("K=V", "a variable for it; K alone: as it is set here", environmentEntry, { short: "e" }),
  envFile: repeated("FILE", "a file of such lines", localFile),
  user: flag("USER", "as whom it runs: tenki (default) or root", oneOf("user", ["tenki", "root"]), {
    short: "u",
  }),
} as const;

export const streamFlags = {
  interactive: toggle("pass stdin on, a terminal too", { short: "i" }),
  tty: toggle("give it a terminal", { short: "t" }),
} as const;

export const timeoutFlag = {
  timeout: flag("DURATION", "end the command after so long (default: never)", commandTimeout),
} as const;

export const resumeFlag = {
  resume: toggle("resume the session first where it is paused"),
} as const;

/** The program and its arguments, or the shell's line. */
export function commandLine(options: {
  readonly shell: string | undefined;
  readonly program: readonly string[];
}): readonly string[] {
  const { shell, program } = options;
  if (shell === undefined && program.length > 0 && program[0] !== "") return program;
  if (shell !== undefined && program.length === 0) return ["sh", "-lc", shell];
  const what =
    shell === undefined ? "missing argument PROGRAM" : `unexpected argument "${program[0]}" besides -c`;
  throw new TenkiError("usage", what);
}

/** What `--env` and `--env-file` come to. */
export function environmentFrom(
  { env, envFile }: Pick<SurroundingsOptions, "env" | "envFile">,
  ctx: Context,
): Promise<Record<string, string>> {
  const files = envFile.map((path) => textFile(path, ctx));
  return readEnvironment({ here: ctx.io.env, files, entries: env });
}

interface SurroundingsOptions {
  readonly env: typeof surroundingsFlags.env.fallback;
  readonly envFile: typeof surroundingsFlags.envFile.fallback;
}
