import type { RunningCommand } from "../../client/index.js";
import type { SignalName } from "../../domain/command.js";
import { InterruptedError } from "../interrupts.js";
import type { Io } from "../io.js";
import type { ConnectionWatch } from "./connection-watch.js";

const ladder: readonly SignalName[] = ["INT", "TERM", "KILL"];

export interface LadderOptions {
  readonly watch: ConnectionWatch;
  /** How long a command may take to end after SIGTERM or SIGHUP. Default: as long as it likes. */
  readonly endGraceMs?: number | undefined;
}

/**
 * What Ctrl-C does while a command runs: SIGINT for it, then SIGTERM, then SIGKILL and the end of the command
 * line. SIGTERM and SIGHUP of tenki's own are passed on, and end it when they come once more. While the command is
 * being come back to, Ctrl-C ends that.
 */
export class SignalLadder {
  readonly #command: RunningCommand;
  readonly #options: LadderOptions;
  readonly #offs: readonly (() => void)[];
  #step = 0;
  #giveUp: (error: Error) => void = () => undefined;
  /** Rejects when the command line is to end at once. */
  readonly over: Promise<never>;

  constructor(io: Io, command: RunningCommand, options: LadderOptions) {
    this.#command = command;
    this.#options = options;
    this.over = new Promise((_, reject) => (this.#giveUp = reject));
    this.over.catch(() => undefined);
    this.#offs = [
      io.onSignal("SIGINT", () => this.#interrupt()),
      io.onSignal("SIGTERM", () => this.#end("TERM")),
      io.onSignal("SIGHUP", () => this.#end("HUP")),
    ];
  }

  release(): void {
    for (const off of this.#offs) off();
  }

  #interrupt(): void {
    if (!this.#options.watch.isLost) return this.#next("INT", ladder[this.#step] ?? "KILL");
    const message = "interrupted while the connection was lost; whether the command has ended is not known";
    this.#giveUp(new InterruptedError("INT", message));
  }

  #end(received: "TERM" | "HUP"): void {
    const { endGraceMs } = this.#options;
    this.#next(received, this.#step === 0 ? received : "KILL");
    if (endGraceMs === undefined) return;
    setTimeout(() => this.#giveUp(new InterruptedError(received)), endGraceMs).unref();
  }

  #next(received: string, signal: SignalName): void {
    this.#step += 1;
    const sent = this.#command.signal(signal).catch(() => undefined);
    if (signal !== "KILL") return;
    // The signal goes out before the connection is let go; a connection that takes nothing any more is not waited for.
    const end = () => this.#giveUp(new InterruptedError(received));
    setTimeout(end, 500).unref();
    void sent.then(end);
  }
}
