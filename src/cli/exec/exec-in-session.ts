import type { Session } from "../../client/index.js";
import type { CommandExit } from "../../domain/command.js";
import { TenkiError } from "../../domain/error.js";
import type { Outcome } from "../command.js";
import type { Context } from "../context.js";
import { objectView, type Fields } from "../output/view.js";
import type { CapturedOutput } from "./captured-output.js";
import { codeOfExit, couldStart, spawnFailure, statusLine, statusOfExit } from "./exit-status.js";
import { runCommand, type RunOptions } from "./run-command.js";

export interface ExecOptions extends Omit<RunOptions, "stdin" | "capture"> {
  /** Pass stdin on though it is a terminal. */
  readonly interactive: boolean;
  /** What the JSON object says besides. */
  readonly fields?: Fields | undefined;
}

/** Runs a command with this side's streams, and says how it ended. */
export async function execInSession(session: Session, options: ExecOptions, ctx: Context): Promise<Outcome> {
  const wanted = options.interactive || options.tty || ctx.io.stdin.isTTY !== true;
  const stdin = wanted && !ctx.io.stdin.readableEnded; // `--env-file -` has read it
  const capture = ctx.common.output !== "text";
  const { exit, captured } = await runCommand(session, { ...options, stdin, capture }, ctx);
  if (captured !== undefined) {
    return {
      view: objectView({ ...options.fields, ...resultFields(exit, captured) }),
      exitCode: codeOfExit(exit),
    };
  }
  await tellEnd(exit, options.argv[0] ?? "", ctx);
  return { exitCode: codeOfExit(exit) };
}

/** The status line, and why a command could not be started. */
export async function tellEnd(exit: CommandExit, program: string, ctx: Context): Promise<void> {
  if (!couldStart(exit)) await warnOfSpawn(exit, program, ctx);
  await ctx.note(statusLine(exit));
}

export const warnOfSpawn = (exit: CommandExit, program: string, ctx: Context): Promise<void> =>
  ctx.warn(`error: cannot run ${program}: ${spawnFailure(exit)}`);

/** A terminal's output is for eyes. */
export function refuseCapturedTerminal(tty: boolean | undefined, { common }: Context): void {
  if (common.output === "text" || tty !== true) return;
  throw new TenkiError("usage", `--tty and --output ${common.output} contradict each other`);
}

export const resultFields = (exit: CommandExit, captured: CapturedOutput): Fields => ({
  status: statusOfExit(exit),
  exit_code: codeOfExit(exit),
  signal: exit.signal === "" ? undefined : exit.signal,
  duration_ms: Math.round(exit.durationMs),
  error: couldStart(exit) ? undefined : spawnFailure(exit),
  ...captured.fields(),
});
