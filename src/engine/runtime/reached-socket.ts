import { Socket, type SocketConstructorOpts } from "node:net";
import { DialError } from "../../domain/dial.js";
import type { TakenStream } from "../../lib/taken-stream.js";

/** What Node hands over with a message: a connection that is no stream yet. */
export type SocketHandle = object;

/** What is received lies here until whoever takes it has looked at it: of all connections, because that is at once. */
const receiveBuffer = Buffer.allocUnsafeSlow(64 << 10);

/** A connection inside, over the kernel's own socket and nothing else. */
export class ReachedSocket extends Socket implements TakenStream {
  taker: TakenStream["taker"];
  #hasEnded = false;
  /** Node's own, for `_destroy`: what it closes is reset. */
  declare resetAndClosing: boolean;

  constructor(handle: SocketHandle) {
    const take = (count: number, bytes: Uint8Array): boolean =>
      this.#take(bytes.subarray(0, count) as Buffer);
    const onread = { buffer: receiveBuffer, callback: take };
    super({ handle, allowHalfOpen: true, onread } as SocketConstructorOpts);
    this.once("end", () => (this.#hasEnded = true));
    this.read(0);
  }

  #take(bytes: Buffer): boolean {
    if (this.taker === undefined) return this.push(Buffer.from(bytes));
    this.taker(bytes);
    return true;
  }

  /** Who leaves before the peer's last word is a reset inside: what had begun was not meant to end there. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#hasEnded) this.resetAndClosing = true;
    super._destroy(error && reset(error), done);
  }
}

const reset = (cause: Error): DialError =>
  new DialError("reset", "the connection inside the sandbox broke off", { cause });
