import type { WebSocket } from "ws";

/** Unread bytes from which on the client is held back. */
const unreadBytesMax = 256 << 10;
/** What holding a message costs besides: a byte in each must not be for nothing. */
const messageCostBytes = 256;

/** What a client sends in binary messages, until it closes or is gone. Who does not read stops who writes. */
export class SocketBytes implements AsyncIterable<Uint8Array> {
  readonly #socket: WebSocket;
  #unread: Uint8Array[] = [];
  #unreadBytes = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.#add(data);
    });
    socket.on("error", () => undefined); // the close that follows says enough
    socket.once("close", () => {
      this.#ended = true;
      this.#wake?.();
    });
    if (socket.readyState === socket.CLOSED) this.#ended = true;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const data = this.#unread.shift();
      if (data !== undefined) {
        this.#taken(data.length + messageCostBytes);
        yield data;
      } else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Nobody reads any more; what still comes must not keep the socket from being closed. */
  drop(): void {
    this.#ended = true;
    this.#unread = [];
    this.#wake?.();
    if (this.#socket.isPaused) this.#socket.resume();
  }

  #add(data: Uint8Array): void {
    if (this.#ended || data.length === 0) return;
    this.#unread.push(data);
    this.#unreadBytes += data.length + messageCostBytes;
    if (this.#unreadBytes >= unreadBytesMax) this.#socket.pause();
    this.#wake?.();
  }

  #taken(bytes: number): void {
    this.#unreadBytes -= bytes;
    if (this.#unreadBytes < unreadBytesMax && this.#socket.isPaused) this.#socket.resume();
  }
}
