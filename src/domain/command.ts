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

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export type CommandOutput =
  | { readonly kind: "stdout"; readonly data: Uint8Array }
  | { readonly kind: "stderr"; readonly data: Uint8Array };
