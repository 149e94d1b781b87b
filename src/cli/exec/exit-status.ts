import { constants } from "node:os";
import type { CommandExit } from "../../domain/command.js";
import { formatGoDuration } from "../../lib/go-duration.js";
import { commandCodes, signalCode } from "../exit-codes.js";

const spawnFailed = "spawn_failed";

export const couldStart = ({ reason }: CommandExit): boolean => !reason.startsWith(spawnFailed);

/** Why it could not be started, in the service's words. */
export const spawnFailure = ({ reason }: CommandExit): string =>
  reason.slice(spawnFailed.length).replace(/^:\s*/, "");

/** The code that the command line ends with. */
export function codeOfExit(exit: CommandExit): number {
  if (exit.timedOut) return commandCodes.timedOut;
  if (!couldStart(exit)) return codeOfFailure(exit);
  if (exit.signal !== undefined && exit.signal !== "") return signalCode(exit.signal);
  return exit.exitCode;
}

/** The service says by its code whether the program is to blame; where it says none, the errno has to do. */
function codeOfFailure({ exitCode, errno }: CommandExit): number {
  const { failed, cannotRun, notFound } = commandCodes;
  if (exitCode >= failed && exitCode <= notFound) return exitCode;
  return errno === constants.errno.ENOENT ? notFound : cannotRun;
}

export function statusOfExit(exit: CommandExit): "SUCCEEDED" | "FAILED" | "TIMED_OUT" {
  if (exit.timedOut) return "TIMED_OUT";
  return codeOfExit(exit) === 0 ? "SUCCEEDED" : "FAILED";
}

/** `status: FAILED, exit code 137 (SIGKILL), 1.5s` */
export function statusLine(exit: CommandExit): string {
  const signal =
    exit.signal === undefined || exit.signal === "" || exit.timedOut ? "" : ` (SIG${exit.signal})`;
  const code = `exit code ${codeOfExit(exit)}${signal}`;
  return `status: ${statusOfExit(exit)}, ${code}, ${formatGoDuration(Math.round(exit.durationMs))}`;
}
