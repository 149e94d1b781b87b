import type { RunningCommand } from "../../client/index.js";
import type { SignalName } from "../../domain/command.js";
import { InterruptedError } from "../interrupts.js";
import type { Io } from "../io.js";

const ladder: readonly SignalName[] = ["INT", "TERM", "KILL"];

/**
 * What Ctrl-C does while a command runs: SIGINT for it, then SIGTERM, then SIGKILL and the end of the command
 * line. SIGTERM and SIGHUP of tenki's own are passed on, and end it when they come once more.
 */
export class SignalLadder {
  readonly #command: RunningCommand;
  readonly #offs: readonly (() => void)[];
  #step = 0;
  #giveUp: (error: Error) => void = () => undefined;
  /** Rejects when the command line is to end at once. */
  readonly over: Promise<never>;

  constructor(io: Io, command: RunningCommand) {
    this.#command = command;
    this.over = new Promise((_, reject) => (this.#giveUp = reject));
    this.over.catch(() => undefined);
    this.#offs = [
      io.onSignal("SIGINT", () => this.#next("INT", ladder[this.#step] ?? "KILL")),
      io.onSignal("SIGTERM", () => this.#next("TERM", this.#step === 0 ? "TERM" : "KILL")),
      io.onSignal("SIGHUP", () => this.#next("HUP", this.#step === 0 ? "HUP" : "KILL")),
    ];
  }

  release(): void {
    for (const off of this.#offs) off();
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
