import { TenkiError } from "../domain/error.js";
import type { Io } from "./io.js";
import { signalCode } from "./exit-codes.js";

/** How long a command may take to say where it leaves things, once it was interrupted. */
const graceMs = 2_000;

/** Somebody ended tenki: Ctrl-C, or a signal. */
export class InterruptedError extends TenkiError {
  readonly signalName: string;

  constructor(signalName: string, message = "interrupted", hint?: string) {
    super("cancelled", message, { hint });
    this.signalName = signalName;
  }

  get exitCode(): number {
    return signalCode(this.signalName);
  }

  /** The same, and what it left behind. */
  saying(message: string, hint: string): InterruptedError {
    return new InterruptedError(this.signalName, message, hint);
  }
}

/** The signals that end a command line: the first aborts, the second ends at once. */
export class Interrupts {
  readonly #io: Io;
  readonly #controller = new AbortController();
  #giveUp: (error: Error) => void = () => undefined;
  #release: () => void = () => undefined;
  #holds = 0;
  #impatience = 0;
  /** Rejects when an interrupted command has had its grace. */
  readonly over: Promise<never>;

  constructor(io: Io) {
    this.#io = io;
    this.over = new Promise((_, reject) => (this.#giveUp = reject));
    this.over.catch(() => undefined);
    this.listen();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  listen(): void {
    const offs = (["INT", "TERM", "HUP"] as const).map((name) =>
      this.#io.onSignal(`SIG${name}`, () => this.interrupt(name)),
    );
    this.#release = () => offs.forEach((off) => off());
  }

  /** Lets go of the signals until `listen`. */
  release(): void {
    this.#release();
    this.#release = () => undefined;
  }

  /** Until the result is called, an interrupted command has all the time that it takes to clear up; the third signal ends it. */
  hold(): () => void {
    this.#holds += 1;
    return () => void (this.#holds -= 1);
  }

  /** As the signal does; for who reads Ctrl-C as a key. */
  interrupt(name: string): void {
    const error = new InterruptedError(name);
    if (this.signal.aborted) return this.#repeat(error);
    this.#controller.abort(error);
    setTimeout(() => this.#holds === 0 && this.#giveUp(error), graceMs).unref();
  }

  #repeat(error: InterruptedError): void {
    this.#impatience += 1;
    if (this.#holds === 0 || this.#impatience > 1) this.#io.exitNow(error.exitCode);
  }
}
