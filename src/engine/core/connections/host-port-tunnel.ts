import { TenkiError } from "../../../domain/error.js";
import { AsyncQueue } from "../../../lib/async-queue.js";
import type { Clock } from "../ports/clock.js";
import type { GuestListener } from "../ports/runtime.js";
import { TunnelConnection } from "./tunnel-connection.js";
import type { TunnelDown, TunnelUp } from "./tunnel-frames.js";

/** How often a caller is asked whether it is there, and how long it may say nothing at all. */
export const pingMs = 15_000;
const silenceMs = 45_000;
/** Connections at a time; whoever comes then waits in the sandbox's kernel. */
const connectionsMax = 512;

/** Why a tunnel ended that its caller did not close. */
export class TunnelSilentError extends TenkiError {
  constructor() {
    super(
      "deadline_exceeded",
      `nothing was heard from the other end of the tunnel for ${silenceMs / 1_000} s`,
    );
  }
}

/**
 * Carries the connections that come in at a port inside, all over one stream. Memory is bounded both ways: of each
 * connection one piece waits to be sent; and where one does not take what it is sent, its caller is not read from.
 */
export class HostPortTunnel {
  readonly port: number;
  readonly address: string;
  readonly #listener: GuestListener;
  readonly #clock: Clock;
  readonly #letGo: () => void;
  readonly #down = new AsyncQueue<TunnelDown>(0);
  readonly #connections = new Map<number, TunnelConnection>();
  #lastId = 0;
  #lastPing = 0;
  #heardAt: number;
  #busy = 0;
  #sent: Promise<void> = Promise.resolve();
  #onRoom: () => void = () => undefined;
  #callOffPing: () => void = () => undefined;
  #isClosed = false;

  /** `letGo` is called once when it is over. */
  constructor(listener: GuestListener, clock: Clock, letGo: () => void) {
    this.port = listener.port;
    this.address = listener.address;
    this.#listener = listener;
    this.#clock = clock;
    this.#letGo = letGo;
    this.#heardAt = clock.now().getTime();
  }

  /** For one reader, who slows the connections by reading slowly. Throws where it did not end by `close`. */
  frames(): AsyncIterable<TunnelDown> {
    this.#acceptAll().then(
      () => this.close(),
      (error: unknown) => this.#end(error),
    );
    this.#askLater();
    return this.#down;
  }

  /** Resolves when there is room for more. */
  async take(frame: TunnelUp): Promise<void> {
    this.#heardAt = this.#clock.now().getTime();
    if (frame.kind === "pong") return;
    if (frame.kind === "close" && frame.id === 0) return this.close();
    const connection = this.#connections.get(frame.id);
    if (frame.kind === "data") return this.#write(connection, frame.data);
    if (frame.kind === "half_close") return connection?.end();
    connection?.close(frame.reason);
  }

  /** Idempotent. No more is listened, and every connection is dropped. */
  close(): void {
    this.#end(undefined);
  }

  async #write(connection: TunnelConnection | undefined, data: Uint8Array): Promise<void> {
    this.#busy += 1;
    try {
      await connection?.write(data);
    } finally {
      this.#busy -= 1;
      this.#heardAt = this.#clock.now().getTime();
    }
  }

  async #acceptAll(): Promise<void> {
    for await (const { stream, sourceAddress } of this.#listener.connections) {
      const id = ++this.#lastId;
      const connection = new TunnelConnection(id, stream, this.#clock, (frame) => this.#send(frame));
      this.#connections.set(id, connection);
      await this.#send({ kind: "accept", id, sourceAddress });
      void connection.carry().finally(() => this.#forget(id));
      while (this.#connections.size >= connectionsMax && !this.#isClosed) {
        await new Promise<void>((resolve) => (this.#onRoom = resolve));
      }
    }
  }

  #forget(id: number): void {
    this.#connections.delete(id);
    this.#onRoom();
  }

  /** One after another: the queue has one writer at a time. */
  #send(frame: TunnelDown): Promise<void> {
    this.#sent = this.#sent.then(() => this.#down.push(frame));
    return this.#sent;
  }

  #askLater(): void {
    this.#callOffPing = this.#clock.after(pingMs, () => this.#ask());
  }

  /** While the caller is not read from, nothing can be heard of it. */
  #ask(): void {
    if (this.#isClosed) return;
    const silentMs = this.#clock.now().getTime() - this.#heardAt;
    if (this.#busy === 0 && silentMs >= silenceMs) {
      this.#end(new TunnelSilentError());
      return;
    }
    void this.#send({ kind: "ping", id: ++this.#lastPing });
    this.#askLater();
  }

  #end(why: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#callOffPing();
    this.#listener.close();
    for (const connection of this.#connections.values()) connection.destroy();
    this.#onRoom();
    this.#down.end(why);
    this.#letGo();
  }
}
