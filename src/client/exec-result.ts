import type { Output } from "./options.js";

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
  readonly durationMs: number;
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly outputs: readonly Output[];
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

export const isSuccess = (status: CommandStatus): boolean => status === "SUCCEEDED";

export const stdoutText = (result: ExecResult): string => new TextDecoder().decode(result.stdout);

export const stderrText = (result: ExecResult): string => new TextDecoder().decode(result.stderr);
