import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { DialError } from "../../../domain/dial.js";

/**
 * The bytes of a connection inside, over the link's. Its peer's end is only passed on once it is known to be one:
 * a handler that passes on a reset, or dies with its sandbox, closes both ways at once.
 */
export class LinkedStream extends Duplex {
  readonly #socket: Socket;
  #hasEnded = false;

  /** `received`: what came before it was known to be bytes. */
  constructor(socket: Socket, received: Buffer) {
    super({ allowHalfOpen: true, emitClose: true });
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.on("end", () => this.#end());
    socket.on("error", (cause) => this.#break(cause));
    socket.on("close", () => this.#break(undefined));
    if (received.length > 0) this.push(received);
    if (socket.readableEnded) this.#end();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, (error) => done(error ? reset(error) : null));
  }

  override _final(done: (error?: Error | null) => void): void {
    // Where the socket is gone, `close` says what that means.
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  /** Nothing can be sent, not even nothing, to who has closed altogether; what waits to be sent will show it as well. */
  #end(): void {
    this.#hasEnded = true;
    if (this.writableEnded || this.#socket.writableLength > 0) this.push(null);
    else this.#socket.write(Buffer.alloc(0), (error) => (error ? this.#break(error) : this.push(null)));
  }

  #break(cause: Error | undefined): void {
    if (this.#hasEnded && this.writableFinished) return;
    this.destroy(reset(cause));
  }
}

const reset = (cause: Error | undefined): DialError =>
  new DialError("reset", "the connection inside the sandbox broke off", { cause });
