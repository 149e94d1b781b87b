import { TenkiError } from "../../domain/error.js";
import type { GuestEvent } from "../core/ports/runtime.js";

type Output = Extract<GuestEvent, { kind: "stdout" | "stderr" }>;
type Exit = Extract<GuestEvent, { kind: "exit" }>;

/** A piece of output, and how many bytes came before it. */
interface Piece {
  readonly start: number;
  readonly output: Output;
}

/** However small they are, no more pieces stay after they were read. */
const keptPiecesMax = 4_096;

/** So many pieces may wait unread before `push` holds its caller back. */
const unreadMax = 4;

/** What one command says, for one reader at a time. What was read stays a while, for a reader who comes back. */
export class CommandEvents {
  readonly #keptBytes: number;
  #log: Piece[] = [];
  /** How many bytes of output there were, and how many of them were read. */
  #total = 0;
  #read = 0;
  /** Of the log, the next piece to be read. */
  #next = 0;
  #stdin = { received: 0, taken: 0, reported: 0 };
  #exit: Exit | undefined;
  #failure: Error | undefined;
  #reader = 0;
  #wake: (() => void)[] = [];

  /** `keptBytes`: how much stays after it was read. */
  constructor(keptBytes: number) {
    this.#keptBytes = keptBytes;
  }

  /** How much stdin came, and how much of it was not taken yet. */
  get stdin(): { readonly received: number; readonly pending: number } {
    return { received: this.#stdin.received, pending: this.#stdin.received - this.#stdin.taken };
  }

  /** Resolves when there is room for more. */
  async push(kind: Output["kind"], data: Uint8Array): Promise<void> {
    if (data.length === 0 || this.#failure !== undefined) return;
    this.#log.push({ start: this.#total, output: { kind, data } });
    this.#total += data.length;
    this.#wakeAll();
    while (this.#log.length - this.#next > unreadMax && this.#failure === undefined) await this.#change();
  }

  receive(bytes: number): void {
    this.#stdin.received += bytes;
  }

  take(bytes: number): void {
    this.#stdin.taken += bytes;
    this.#wakeAll();
  }

  end(exit: Exit["exit"]): void {
    this.#exit ??= { kind: "exit", exit };
    this.#wakeAll();
  }

  /** Readers are told so; what is written from now on is dropped. */
  fail(failure: Error): void {
    this.#failure ??= failure;
    this.#wakeAll();
  }

  /** From there on, whoever read before. Throws `data_loss` where that is not kept. */
  read(offset: number): AsyncGenerator<GuestEvent, void, undefined> {
    this.#moveTo(offset);
    this.#stdin.reported = this.#stdin.taken;
    this.#reader += 1;
    this.#wakeAll();
    return this.#readAs(this.#reader);
  }

  /** Whoever reads has no more to read. */
  leave(): void {
    this.#reader += 1;
    this.#wakeAll();
  }

  async *#readAs(reader: number): AsyncGenerator<GuestEvent, void, undefined> {
    while (this.#reader === reader) {
      const event = this.#takeEvent();
      if (event !== undefined) yield event;
      else if (this.#failure !== undefined) throw this.#failure;
      else await this.#change();
      if (event?.kind === "exit") return;
    }
  }

  #takeEvent(): GuestEvent | undefined {
    const bytes = this.#stdin.taken - this.#stdin.reported;
    this.#stdin.reported = this.#stdin.taken;
    if (bytes > 0) return { kind: "stdin_taken", bytes };
    const piece = this.#log[this.#next];
    if (piece === undefined) return this.#exit;
    const { kind, data } = piece.output;
    const rest = data.subarray(this.#read - piece.start);
    this.#read += rest.length;
    this.#next += 1;
    this.#dropOld();
    this.#wakeAll();
    return { kind, data: rest };
  }

  #dropOld(): void {
    const old = this.#log.findIndex((piece) => endOf(piece) > this.#read - this.#keptBytes);
    const count = Math.max(
      Math.min(this.#next, old < 0 ? this.#log.length : old),
      this.#next - keptPiecesMax,
    );
    this.#log.splice(0, count);
    this.#next -= count;
  }

  #moveTo(offset: number): void {
    const first = this.#log[0]?.start ?? this.#total;
    if (offset < first || offset > this.#total) {
      throw new TenkiError("data_loss", `the output from byte ${offset} on is not kept`);
    }
    this.#read = offset;
    const next = this.#log.findIndex((piece) => endOf(piece) > offset);
    this.#next = next < 0 ? this.#log.length : next;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #wakeAll(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}

const endOf = ({ start, output }: Piece): number => start + output.data.length;
