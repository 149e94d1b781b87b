import type { CommandExit, CommandOutput, SignalName, TerminalSize } from "../domain/command.js";
import { TenkiError } from "../domain/error.js";
import { AsyncQueue } from "../lib/async-queue.js";
import type { BurstOutlet } from "./burst-outlet.js";
import { CommandInput, type StdinPosition } from "./command-input.js";
import type { CommandLink } from "./command-link.js";
import { ConnectionError } from "./connection-error.js";
import { SandboxError, StreamClosedError } from "./errors.js";
import type { ConnectionState, RunningCommand } from "./running-command.js";

/** Where a stream broke off, for who opens another one. */
export interface BreakPoint {
  /** Bytes of output received since the command began. */
  readonly outputOffset: number;
  readonly cause: TenkiError;
  /** Aborts when the command is let go of. */
  readonly signal: AbortSignal;
}

export interface NextLink {
  readonly link: CommandLink;
  readonly outputOffset: number;
  readonly stdin: StdinPosition;
}

export interface CommandStart {
  readonly name: string;
  readonly pid: number;
  readonly takesStdin: boolean;
  readonly link: CommandLink;
  readonly outputOffset: number;
  readonly stdin: StdinPosition;
  /** Completes "the connection was lost while make ran" where it cannot be come back to. */
  readonly whyLost?: string | undefined;
  /** Finds the command again after its stream broke off, or throws why not; undefined: it cannot be found again. */
  readonly comeBack?: ((from: BreakPoint) => Promise<NextLink>) | undefined;
  readonly onConnection?: ((state: ConnectionState) => void) | undefined;
  /** As the link has it. */
  readonly bursts?: BurstOutlet | undefined;
  /** In place of a frame for it, which the first stream does not have. */
  readonly resize?: ((size: TerminalSize) => Promise<void>) | undefined;
}

/** Pieces of output that wait for their reader; past it the service is held back. */
const queuedOutputs = 4;

/** The two directions of a command's stream put together, and of the streams after it where that breaks off. */
export class StreamedCommand implements RunningCommand {
  readonly pid: number;
  readonly outputOffset: number;
  readonly output = new AsyncQueue<CommandOutput>(queuedOutputs);
  readonly exit: Promise<CommandExit>;
  readonly #start: CommandStart;
  readonly #input = new CommandInput();
  readonly #stop = new AbortController();
  #link: CommandLink;
  #received: number;
  /** Of it, what came by `output`. */
  #handedOut = 0;
  #ended = false;

  constructor(start: CommandStart) {
    this.#start = start;
    this.#link = start.link;
    this.pid = start.pid;
    this.outputOffset = this.#received = start.outputOffset;
    this.#input.connect(start.link, start.stdin);
    this.exit = this.#read();
    this.exit.catch(() => undefined); // whoever reads the output hears of it there
  }

  async writeStdin(data: Uint8Array): Promise<void> {
    this.#checkReads();
    await this.#input.write(data);
    this.#checkReads();
  }

  async closeStdin(): Promise<void> {
    if (this.#start.takesStdin) await this.#input.closeStdin();
  }

  async signal(name: SignalName): Promise<void> {
    if (!this.#ended) await this.#input.signal(name);
  }

  async resize(size: TerminalSize): Promise<void> {
    if (this.#ended) return;
    const { link, resize } = this.#start;
    await (resize !== undefined && this.#link === link ? resize(size) : this.#input.resize(size));
  }

  close(): void {
    if (this.#ended) return;
    this.#stop.abort();
    this.output.end(this.#cancelled());
    this.#input.end();
    this.#link.close();
  }

  async #read(): Promise<CommandExit> {
    try {
      const exit = await this.#readUntilExit();
      this.output.end();
      return exit;
    } catch (error) {
      const failure = this.#stop.signal.aborted ? this.#cancelled(error) : error;
      this.output.end(failure);
      throw failure;
    } finally {
      this.#ended = true;
      this.#input.end();
      void this.#readOn();
    }
  }

  async #readUntilExit(): Promise<CommandExit> {
    for (;;) {
      try {
        return await this.#readLink();
      } catch (error) {
        if (this.#stop.signal.aborted || !isLoss(error)) throw error;
        await this.#comeBack(error);
      }
    }
  }

  async #readLink(): Promise<CommandExit> {
    for (let event = await this.#link.next(); event !== undefined; event = await this.#link.next()) {
      if (event.kind === "exit") return event.exit;
      if (event.kind === "flow") {
        this.#input.grant(event.bytes);
        continue;
      }
      if (event.kind === "burst") {
        await this.#start.bursts?.passedOn(this.#handedOut);
        this.#received += await event.pass();
        continue;
      }
      this.#received += event.data.length;
      this.#handedOut += event.data.length;
      await this.output.push(event);
    }
    throw new ConnectionError("the stream ended", { requestSent: true });
  }

  /** Returns when the command is connected again. */
  async #comeBack(cause: TenkiError): Promise<void> {
    const { name, whyLost, comeBack, onConnection } = this.#start;
    if (comeBack === undefined) throw lostFor(name, cause, whyLost);
    this.#input.disconnect();
    this.#link.close();
    onConnection?.("lost");
    const next = await comeBack({ outputOffset: this.#received, cause, signal: this.#stop.signal });
    this.#link = next.link;
    if (this.#stop.signal.aborted) return next.link.close();
    if (next.outputOffset !== this.#received || !this.#input.connect(next.link, next.stdin)) {
      next.link.close();
      throw new SandboxError(
        "data_loss",
        `${cause.message} while ${name} ran, and some of its streams with it`,
      );
    }
    onConnection?.("back");
  }

  /** Behind the exit nothing is expected; reading on lets the stream end in order. */
  async #readOn(): Promise<void> {
    const link = this.#link;
    try {
      for (let event = await link.next(); event !== undefined; event = await link.next())
        if (event.kind === "burst") return link.close();
    } catch {
      link.close();
    }
  }

  #cancelled(cause?: unknown): SandboxError {
    return new SandboxError("cancelled", `${this.#start.name} was let go of`, { cause });
  }

  #checkReads(): void {
    const { name, takesStdin } = this.#start;
    if (!takesStdin) throw new SandboxError("invalid_argument", `${name} was started without stdin`);
    if (this.#ended || this.#stop.signal.aborted)
      throw new StreamClosedError("aborted", `${name} has ended and reads no more`);
  }
}

/** The stream broke off, or the service went away; not: it said what is wrong. */
const isLoss = (error: unknown): error is TenkiError =>
  error instanceof TenkiError && error.kind === "unavailable";

/** What is known of a command whose stream broke off for good. */
export function lostFor(name: string, cause: TenkiError, why = ""): ConnectionError {
  return new ConnectionError(`${cause.message} while ${name} ran${why}; whether it has ended is not known`, {
    ...{ requestSent: true, retryable: false, cause },
    hint: cause.hint,
  });
}
