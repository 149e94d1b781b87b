/** The signals that the contract can carry to a command. */
export const signalNames = ["TERM", "KILL", "INT", "HUP", "USR1", "USR2"] as const;

export type SignalName = (typeof signalNames)[number];

/** How a command ended. */
export interface CommandExit {
  readonly exitCode: number;
  /** The signal that ended it, without SIG; absent when it exited by itself. */
  readonly signal?: string | undefined;
  readonly timedOut: boolean;
  readonly durationMs: number;
  /** `exit`, `signaled`, `timeout`, or `spawn_failed: …` with `errno` set. */
  readonly reason: string;
  readonly errno?: number | undefined;
}

const noSuchEntry = 2;

/**
 * What a command that could not be started ends with. As shells do: 127 where there is no such program, 126
 * where it could not be run; 125 where the program is not to blame: its directory, its user.
 */
export function spawnFailureCode(isPrograms: boolean, errno: number): number {
  if (!isPrograms) return 125;
  return errno === noSuchEntry ? 127 : 126;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export type CommandOutput =
  | { readonly kind: "stdout"; readonly data: Uint8Array }
  | { readonly kind: "stderr"; readonly data: Uint8Array };
