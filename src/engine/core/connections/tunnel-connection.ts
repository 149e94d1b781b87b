import { once } from "node:events";
import type { Clock } from "../ports/clock.js";
import type { GuestStream } from "../ports/runtime.js";
import type { TunnelDown } from "./tunnel-frames.js";

/** What waits for one connection, before all of them wait: the contract has no window for each. */
const waitingBytesMax = 256 << 10;
/** How long one that takes nothing may keep the others waiting. */
const stallMs = 20_000;
/** How long the program inside may go on talking to who has gone. */
const partingMs = 30_000;

/** One connection that was taken inside, of those that a tunnel carries. */
export class TunnelConnection {
  readonly #id: number;
  readonly #stream: GuestStream;
  readonly #clock: Clock;
  readonly #send: (frame: TunnelDown) => Promise<void>;
  readonly #closed: Promise<void>;
  #whyClosed: string | undefined;

  constructor(id: number, stream: GuestStream, clock: Clock, send: (frame: TunnelDown) => Promise<void>) {
    this.#id = id;
    this.#stream = stream;
    this.#clock = clock;
    this.#send = send;
    this.#closed = new Promise((resolve) => stream.once("close", resolve));
    stream.on("error", () => (this.#whyClosed ??= "sandbox_error")); // the one inside has reset it
  }

  /** Hands on what comes from inside, until the connection is over. */
  async carry(): Promise<void> {
    const id = this.#id;
    try {
      for await (const data of this.#stream.iterator({ destroyOnReturn: false })) {
        if (this.#whyClosed === undefined) await this.#send({ kind: "data", id, data: data as Uint8Array });
      }
      if (this.#whyClosed === undefined) await this.#send({ kind: "half_close", id });
    } catch {
      // It broke off: `close` says so.
    }
    await this.#closed;
    await this.#send({ kind: "close", id, reason: this.#whyClosed ?? "closed" });
  }

  /** Resolves when there is room for more: with little that waits, or where nobody takes it any more. */
  async write(data: Uint8Array): Promise<void> {
    const stream = this.#stream;
    if (!stream.writable) return;
    stream.write(data);
    while (stream.writable && stream.writableLength > waitingBytesMax) await this.#untilTaken();
  }

  /** The caller's last word on it. */
  end(): void {
    this.#stream.end();
  }

  /** The caller has closed: what it said before is still delivered, unless it broke off. */
  close(reason: string): void {
    this.#whyClosed ??= reason;
    if (reason === "host_error") {
      this.#stream.destroy();
      return;
    }
    this.#stream.end();
    const callOff = this.#clock.after(partingMs, () => this.#stream.destroy());
    this.#stream.once("close", callOff);
  }

  destroy(): void {
    this.#stream.destroy();
  }

  async #untilTaken(): Promise<void> {
    const stream = this.#stream;
    const before = stream.writableLength;
    const given = new AbortController();
    const callOff = this.#clock.after(stallMs, () => {
      if (stream.writableLength < before) return given.abort();
      this.#whyClosed ??= "stalled";
      stream.destroy();
      return undefined;
    });
    const waited = { signal: given.signal };
    await Promise.race([once(stream, "drain", waited), once(stream, "close", waited)]).catch(() => undefined);
    given.abort();
    callOff();
  }
}
