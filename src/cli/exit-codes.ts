import { constants } from "node:os";
import type { ErrorKind } from "../domain/error.js";

const usage = 2;
const notAllowed = 3;
const notFound = 4;
const timedOut = 5;
const interrupted = 130;

/** What a failed command ends with; whatever is not here ends with 1: the service refused or failed. */
const byKind: Readonly<Partial<Record<ErrorKind, number>>> = {
  usage,
  unauthenticated: notAllowed,
  permission_denied: notAllowed,
  not_found: notFound,
  deadline_exceeded: timedOut,
  unavailable: timedOut,
  cancelled: interrupted,
};

/** Codes of commands that end with another command's own. */
export const commandCodes = { timedOut: 124, failed: 125, cannotRun: 126, notFound: 127 } as const;

/** `runsCommand`: tenki's own failures must not be taken for the command's. */
export function exitCodeOf(kind: ErrorKind, runsCommand: boolean): number {
  const code = byKind[kind] ?? 1;
  return runsCommand && code !== usage && code !== interrupted ? commandCodes.failed : code;
}

/** 128 + its number, by its name without SIG. */
export function signalCode(name: string): number {
  const numbers: Readonly<Record<string, number>> = constants.signals;
  return 128 + (numbers[`SIG${name}`] ?? 0);
}
