import { once } from "node:events";
import { finished } from "node:stream/promises";
import { DialError } from "../../../domain/dial.js";
import { messageOf } from "../sessions/session-table.js";
import type { Clock } from "../ports/clock.js";
import type { GuestStream } from "../ports/runtime.js";

/** What a caller says on a connection. */
export type DialUp = { readonly kind: "data"; readonly data: Uint8Array } | { readonly kind: "half_close" };

/** What it is told; `closed` is the last. */
export type DialDown =
  | { readonly kind: "data"; readonly data: Uint8Array }
  | { readonly kind: "half_close" }
  | { readonly kind: "closed"; readonly error?: DialError };

export interface CarryOptions {
  /** Aborts when the caller is gone: then it is a reset inside. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** How long a caller may be silent to whom the other side has said its last. Default: for ever. */
  readonly partingMs?: number | undefined;
}

/** Carries bytes both ways, as fast as whoever reads them; either side may stop sending first. */
export async function* carryStream(
  stream: GuestStream,
  frames: AsyncIterable<DialUp>,
  options: CarryOptions,
): AsyncGenerator<DialDown, void, undefined> {
  const { signal } = options;
  const caller = new Caller(stream, frames);
  const leave = () => stream.destroy();
  signal.addEventListener("abort", leave, { once: true });
  if (signal.aborted) leave();
  try {
    for await (const data of stream.iterator({ destroyOnReturn: false })) {
      yield { kind: "data", data: data as Uint8Array };
    }
    yield { kind: "half_close" };
    await caller.untilSent(options);
    yield { kind: "closed" };
  } catch (cause) {
    if (signal.aborted) return;
    if (caller.failure !== undefined) throw caller.failure;
    yield { kind: "closed", error: asDialError(cause) };
  } finally {
    signal.removeEventListener("abort", leave);
    stream.destroy();
  }
}

/** What the caller sends, on its way in. */
class Caller {
  /** Of the caller's own frames; what fails inside is the stream's. */
  failure: unknown;
  readonly #stream: GuestStream;
  readonly #sent: Promise<void>;
  #frames = 0;

  constructor(stream: GuestStream, frames: AsyncIterable<DialUp>) {
    this.#stream = stream;
    stream.on("error", () => undefined); // whoever reads is told
    this.#sent = this.#sendAll(frames);
    this.#sent.catch(() => stream.destroy());
  }

  /** Until it has said its last, and that was delivered. */
  async untilSent({ clock, partingMs }: CarryOptions): Promise<void> {
    if (partingMs === undefined) return this.#sent;
    for (let seen = -1; seen !== this.#frames;) {
      seen = this.#frames;
      let callOff: () => void = () => undefined;
      const silence = new Promise<void>((resolve) => (callOff = clock.after(partingMs, resolve)));
      const isSent = this.#sent.then(() => true);
      const over = await Promise.race([isSent, silence]).finally(() => callOff());
      if (over === true) return;
    }
  }

  async #sendAll(frames: AsyncIterable<DialUp>): Promise<void> {
    const stream = this.#stream;
    try {
      for await (const frame of frames) {
        this.#frames += 1;
        if (frame.kind === "half_close" || !stream.writable) break;
        if (!stream.write(frame.data)) await untilRoom(stream);
      }
    } catch (error) {
      this.failure = error;
      throw error;
    }
    stream.end();
    await finished(stream, { readable: false });
  }
}

async function untilRoom(stream: GuestStream): Promise<void> {
  const given = new AbortController();
  const waited = { signal: given.signal };
  const events = [once(stream, "drain", waited), once(stream, "close", waited)];
  await Promise.race(events).catch(() => undefined);
  for (const event of events) event.catch(() => undefined);
  given.abort();
}

const asDialError = (cause: unknown): DialError =>
  cause instanceof DialError ? cause : new DialError("reset", messageOf(cause), { cause });
