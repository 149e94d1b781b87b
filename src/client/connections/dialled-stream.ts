import { Duplex } from "node:stream";
import { DialFailedError } from "../errors.js";

export type DialFrame =
  { readonly kind: "data"; readonly data: Uint8Array } | { readonly kind: "half_close" };

/** `closed` is the last; `error` where it was not meant to be. */
export type DialEvent = DialFrame | { readonly kind: "closed"; readonly error?: Error | undefined };

/** One call that carries a connection. */
export interface DialLink {
  /** Undefined: the stream has ended. */
  next(): Promise<DialEvent | undefined>;
  /** Resolves when the transport has taken it: false where the stream ended before. */
  send(frame: DialFrame): Promise<boolean>;
  end(): void;
  close(): void;
}

/** A message is at most so long, so that connections over one transport take turns. */
const frameBytesMax = 256 << 10;

/** A connection inside as a stream; it is read from, and sent to, as fast as the other end goes. */
export class DialledStream extends Duplex {
  readonly #link: DialLink;
  #isReading = false;
  #hasEnded = false;

  constructor(link: DialLink) {
    super({ allowHalfOpen: true });
    this.#link = link;
  }

  override _read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    this.#pump().catch((error: unknown) => this.destroy(error instanceof Error ? error : broken(error)));
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    void this.#deliver(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    void this.#sayLast(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#link.close();
    done(error);
  }

  async #deliver(data: Uint8Array, done: (error?: Error | null) => void): Promise<void> {
    done((await this.#sendAll(data)) ? null : broken());
  }

  async #sayLast(done: () => void): Promise<void> {
    await this.#link.send({ kind: "half_close" }); // where the stream has ended already, nobody is left to tell
    this.#link.end();
    done();
  }

  async #sendAll(data: Uint8Array): Promise<boolean> {
    for (let at = 0; at < data.length; at += frameBytesMax) {
      if (!(await this.#link.send({ kind: "data", data: data.subarray(at, at + frameBytesMax) })))
        return false;
    }
    return true;
  }

  async #pump(): Promise<void> {
    for (;;) {
      const event = await this.#link.next();
      if (event === undefined || event.kind === "closed") {
        this.#finish(event?.error ?? (event === undefined && !this.#hasEnded ? broken() : undefined));
        return;
      }
      if (event.kind === "half_close") {
        this.#endReading();
        continue;
      }
      // Asked for more meanwhile, another round has begun.
      this.#isReading = false;
      if (!this.push(event.data) || this.#isReading) return;
      this.#isReading = true;
    }
  }

  #endReading(): void {
    if (!this.#hasEnded) this.push(null);
    this.#hasEnded = true;
  }

  /** There is no more to be read, nor anybody to write to. */
  #finish(error: Error | undefined): void {
    if (error !== undefined) this.destroy(error);
    else this.#endReading();
  }
}

const broken = (cause?: unknown): DialFailedError =>
  new DialFailedError("reset", "the connection into the sandbox broke off", { cause });
