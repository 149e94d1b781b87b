import type { RunningCommand, Session } from "../client/index.js";
import { TenkiError } from "../domain/error.js";
import { codeOfExit, couldStart, spawnFailure } from "./exec/exit-status.js";

/** Of what a tool says: the reason of a failure is in it, a sandbox's flood is not. */
const keptBytes = 64 * 1024;

export interface InsideResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a short tool in a session as its user, without stdin, and returns what it said. */
export async function runInside(
  session: Session,
  argv: readonly string[],
  options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<InsideResult> {
  const command = await session.start(argv, { env: { LC_ALL: "C" }, ...options });
  const said = { stdout: "", stderr: "" };
  for await (const { kind, data } of command.output) {
    if (said[kind].length < keptBytes) said[kind] += Buffer.from(data).toString("utf8");
  }
  return { code: await endOf(command, argv), ...said };
}

/** The code that it ended with; a tool that is not there is named. */
export async function endOf(command: RunningCommand, argv: readonly string[]): Promise<number> {
  const exit = await command.exit;
  if (couldStart(exit)) return codeOfExit(exit);
  throw new TenkiError(
    "failed_precondition",
    `the session cannot run ${argv[0] ?? ""}: ${spawnFailure(exit)}`,
  );
}
