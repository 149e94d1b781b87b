import type { CommandExit } from "../domain/command.js";
import { formatGoDuration } from "../lib/go-duration.js";
import { CommandFailedError, CommandTimeoutError } from "./errors.js";
import type { Output } from "./options/commands.js";

export type CommandStatus = "SUCCEEDED" | "FAILED" | "TIMED_OUT";

/** How a command that was waited for ended, and what it wrote. */
export interface ExecResult {
  readonly sessionId: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly status: CommandStatus;
  readonly exitCode: number;
  /** The signal that ended it, without SIG. */
  readonly signal?: string | undefined;
  /** `exit`, `signaled`, `timeout`, or `spawn_failed: …` with `errno` set. */
  readonly reason: string;
  readonly errno?: number | undefined;
  readonly durationMs: number;
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly outputs: readonly Output[];
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

export const isSuccess = (status: CommandStatus): boolean => status === "SUCCEEDED";

export const stdoutText = (result: Pick<ExecResult, "stdout">): string =>
  new TextDecoder().decode(result.stdout);

export const stderrText = (result: Pick<ExecResult, "stderr">): string =>
  new TextDecoder().decode(result.stderr);

/** Returns the result of a command that ended with 0, and throws `CommandFailedError` for any other. */
export function checkResult(result: ExecResult): ExecResult {
  if (isSuccess(result.status)) return result;
  const said = stderrText(result).trim().slice(-1_000);
  const how = result.signal === undefined ? `exit code ${result.exitCode}` : `signal ${result.signal}`;
  throw new CommandFailedError(
    `${result.command} failed with ${how}${said === "" ? "" : `: ${said}`}`,
    result,
  );
}

export interface ExecRecord {
  readonly sessionId: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
  readonly startedAt: Date;
  readonly outputs: readonly Output[];
}

/** Puts a result together; throws `CommandTimeoutError`, with what there is, for a command that was out of time. */
export function execResult(record: ExecRecord, exit: CommandExit): ExecResult {
  const { sessionId, command, args, startedAt, outputs } = record;
  const result: ExecResult = {
    ...{ sessionId, command, args, startedAt, outputs },
    status: statusOf(exit),
    exitCode: exit.exitCode,
    signal: exit.signal,
    reason: exit.reason,
    errno: exit.errno,
    durationMs: exit.durationMs,
    endedAt: new Date(startedAt.getTime() + exit.durationMs),
    stdout: joined(outputs, false),
    stderr: joined(outputs, true),
  };
  if (!exit.timedOut) return result;
  const within = formatGoDuration(record.timeoutMs);
  throw new CommandTimeoutError("deadline_exceeded", `${command} did not end within ${within}`, { result });
}

function statusOf(exit: CommandExit): CommandStatus {
  if (exit.timedOut) return "TIMED_OUT";
  return exit.exitCode === 0 && exit.signal === undefined && exit.errno === undefined
    ? "SUCCEEDED"
    : "FAILED";
}

const joined = (outputs: readonly Output[], isStderr: boolean): Uint8Array =>
  Buffer.concat(outputs.filter((output) => output.isStderr === isStderr).map((output) => output.data));
