import type { BurstOutlet } from "../burst-outlet.js";
import type { TerminalSize } from "../../domain/command.js";
import type { ConnectionState } from "../running-command.js";

export interface StartOptions {
  /** A relative path resolves under the home directory. */
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** As root. */
  readonly privileged?: boolean | undefined;
  /** A terminal of this size in place of three pipes; all output then comes as stdout. */
  readonly terminal?: TerminalSize | undefined;
  /** The service ends the command after this long. Default 0 = never. */
  readonly timeoutMs?: number | undefined;
  /** Default false: the command's stdin is at its end from the start. */
  readonly stdin?: boolean | undefined;
  /** Ends the command and the stream. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Where the connection breaks off, come back to the command (for up to 25 s) in place of losing it; only where the
   * service can keep it so long. Default false.
   */
  readonly resumable?: boolean | undefined;
  /** With `resumable`: the connection is lost, and the command is being come back to; it is back. */
  readonly onConnection?: ((state: ConnectionState) => void) | undefined;
  /** Where output that comes thick may go by itself in place of by `output`. Default: nowhere. */
  readonly bursts?: BurstOutlet | undefined;
}

/** A piece of output, as the command wrote it. */
export interface Output {
  readonly data: Uint8Array;
  readonly isStderr: boolean;
  readonly isFinal: boolean;
}

export interface ExecOptions {
  readonly args?: readonly string[] | undefined;
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Default 30 s; 0 = no bound. Past it the command is ended and `CommandTimeoutError` thrown. */
  readonly timeoutMs?: number | undefined;
  /** As root. */
  readonly privileged?: boolean | undefined;
  /** What the command reads on stdin. Default: nothing. */
  readonly input?: string | Uint8Array | undefined;
  /** The command waits for a promise that is returned. */
  readonly onOutput?: ((output: Output) => void | Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}
