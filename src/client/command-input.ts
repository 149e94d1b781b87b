import type { TerminalSize } from "../domain/command.js";
import type { CommandFrame, CommandLink } from "./command-link.js";

const largestFrameBytes = 64 * 1024;

/** How far a command has got with its stdin, and how much more it may be sent. */
export interface StdinPosition {
  /** Bytes that it has been handed so far. */
  readonly received: number;
  /** 0: the service does not bound stdin, and the connection alone does. */
  readonly windowBytes: number;
}

/**
 * What goes up to a command, over one stream after another: signals and sizes at once, stdin as far as it was
 * granted. What was sent and not reported taken is kept, which the window bounds, and sent again on the next stream.
 */
export class CommandInput {
  #link: CommandLink | undefined;
  #isFirst = true;
  #ended = false;
  /** Positions in all of the input: of the first byte that was sent and not taken, of the next one, of the window's end. */
  #taken = 0;
  #next = 0;
  #limit = 0;
  #bounded = true;
  #sent: Uint8Array[] = [];
  #unsent: Uint8Array[] = [];
  #closeSent = false;
  #stdin: Promise<void> = Promise.resolve();
  readonly #waiting: (() => void)[] = [];

  /** Goes on over `link`. False where input that the command has not received is not there any more. */
  connect(link: CommandLink, { received, windowBytes }: StdinPosition): boolean {
    if (this.#isFirst || received > this.#next) this.#startAt(received);
    if (received < this.#taken) return false;
    this.#forget(received);
    this.#unsent = [...this.#sent, ...this.#unsent];
    this.#sent = [];
    this.#next = received;
    this.#limit = received + windowBytes;
    this.#bounded = windowBytes > 0;
    this.#link = link;
    if (!this.#isFirst) this.#sendAgain();
    this.#isFirst = false;
    this.#changed();
    return true;
  }

  /** Its stream broke off: what is to be sent waits for the next one. */
  disconnect(): void {
    this.#link?.end();
    this.#link = undefined;
  }

  grant(bytes: number): void {
    this.#limit += bytes;
    this.#forget(Math.min(this.#next, this.#taken + bytes));
    this.#changed();
  }

  /** One write after another, whoever calls. */
  write(data: Uint8Array): Promise<void> {
    return this.#afterEarlierStdin(async () => {
      for (let done = 0; done < data.length && !this.#ended;) {
        if (this.#room > 0) {
          const piece = data.subarray(done, done + Math.min(this.#room, largestFrameBytes));
          this.#unsent.push(piece);
          done += piece.length;
          await this.#flush();
        } else await this.#change();
      }
    });
  }

  closeStdin(): Promise<void> {
    return this.#afterEarlierStdin(async () => {
      await this.#sendUrgently({ kind: "stdin_close" });
      this.#closeSent = true;
    });
  }

  /** Overtakes stdin that waits for its window. */
  signal(name: string): Promise<void> {
    return this.#sendUrgently({ kind: "signal", name });
  }

  resize(size: TerminalSize): Promise<void> {
    return this.#sendUrgently({ kind: "resize", size });
  }

  /** Nothing more goes up. */
  end(): void {
    this.#ended = true;
    this.#link?.end();
    this.#changed();
  }

  get #room(): number {
    if (this.#link === undefined) return 0;
    return this.#bounded ? this.#limit - this.#next : Number.POSITIVE_INFINITY;
  }

  /** Somebody else has written as well, or nobody yet. */
  #startAt(position: number): void {
    this.#sent = [];
    this.#taken = this.#next = position;
  }

  #forget(until: number): void {
    while (this.#taken < until) {
      const [first = new Uint8Array()] = this.#sent;
      const size = Math.min(first.length, until - this.#taken);
      if (size === first.length) this.#sent.shift();
      else this.#sent[0] = first.subarray(size);
      this.#taken += size;
    }
  }

  /** Until everything has gone up on the present stream. */
  async #flush(): Promise<void> {
    while (!this.#ended) {
      const [first] = this.#unsent;
      if (first === undefined) return;
      if (this.#room > 0) await this.#sendSome(first);
      else await this.#change();
    }
  }

  async #sendSome(first: Uint8Array): Promise<void> {
    const data = first.subarray(0, Math.min(this.#room, largestFrameBytes));
    if (data.length === first.length) this.#unsent.shift();
    else this.#unsent[0] = first.subarray(data.length);
    this.#next += data.length;
    if (this.#bounded) this.#sent.push(data);
    else this.#taken = this.#next; // nobody says when it is taken: there is no end to keeping it
    await this.#link?.send({ kind: "stdin", data });
  }

  /** Behind a write that is under way, which sends what is kept before it goes on. */
  #sendAgain(): void {
    const wasClosed = this.#closeSent;
    void this.#afterEarlierStdin(async () => {
      await this.#flush();
      if (wasClosed) await this.#sendUrgently({ kind: "stdin_close" });
    });
  }

  async #sendUrgently(frame: CommandFrame): Promise<void> {
    while (!this.#ended) {
      const link = this.#link;
      if ((await link?.send(frame)) === true) return;
      if (link === this.#link && !this.#ended) await this.#change();
    }
  }

  #afterEarlierStdin(action: () => Promise<void>): Promise<void> {
    this.#stdin = this.#stdin.then(action);
    return this.#stdin;
  }

  #change(): Promise<void> {
    return new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #changed(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
