import type { GuestProcess } from "../ports/runtime.js";

interface Waiting {
  readonly data: Uint8Array;
  readonly handedOver: () => void;
}

const callerWindowBytes = 256 << 10;

/** What everybody who attached types, in the order it came, for one command; each waits for its own to be handed over. */
export class ExecutionInput {
  /** How much came from its callers, and was handed to the command or is about to be. */
  received = 0;
  #process: GuestProcess | undefined;
  #window = 0;
  #queue: Waiting[] = [];
  #closed: boolean;
  #closeSaid = false;
  #pumping = false;

  /** Without input, what comes is dropped. */
  constructor(takesInput: boolean) {
    this.#closed = !takesInput;
  }

  /** How much each of its callers may send before any was handed over; 0 = nothing is taken, now or at all. */
  get windowBytes(): number {
    return this.#closed || this.#process === undefined ? 0 : callerWindowBytes;
  }

  connect(process: GuestProcess): void {
    this.#process = process;
    this.#window = process.stdinWindowBytes;
    this.received = process.stdinReceived;
    this.#dropAll(); // of what was on its way nobody knows how much arrived: callers ask, and send again
    this.#closeSaid = false;
    this.#sayClosed();
  }

  /** Resolves once it was handed over, or never will be. */
  push(data: Uint8Array): Promise<void> {
    if (data.length === 0 || this.#closed || this.#process === undefined) return Promise.resolve();
    this.received += data.length;
    return new Promise((handedOver) => {
      this.#queue.push({ data, handedOver });
      void this.#pump();
    });
  }

  /** Behind what came before. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    void this.#pump();
  }

  /** The command has taken so many bytes. */
  grant(bytes: number): void {
    this.#window += bytes;
    void this.#pump();
  }

  /** The command is not reachable, or over. */
  disconnect(): void {
    this.#process = undefined;
    this.#dropAll();
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#process !== undefined && this.#window > 0) {
      const next = this.#queue.shift();
      if (next === undefined) break;
      await this.#hand(this.#process, next);
    }
    this.#pumping = false;
    this.#sayClosed();
  }

  async #hand(process: GuestProcess, { data, handedOver }: Waiting): Promise<void> {
    const piece = data.subarray(0, this.#window);
    this.#window -= piece.length;
    await process.writeStdin(piece);
    const whole = piece.length === data.length;
    if (whole || process !== this.#process) handedOver();
    else this.#queue.unshift({ data: data.subarray(piece.length), handedOver });
  }

  #sayClosed(): void {
    if (!this.#closed || this.#closeSaid || this.#queue.length > 0 || this.#process === undefined) return;
    this.#closeSaid = true;
    this.#process.closeStdin();
  }

  #dropAll(): void {
    const dropped = this.#queue;
    this.#queue = [];
    for (const { handedOver } of dropped) handedOver();
  }
}
