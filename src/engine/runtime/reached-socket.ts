import { Socket, type SocketConstructorOpts } from "node:net";
import { DialError } from "../../domain/dial.js";

/** What Node hands over with a message: a connection that is no stream yet. */
export type SocketHandle = object;

/** A connection inside, over the kernel's own socket and nothing else. */
export class ReachedSocket extends Socket {
  #hasEnded = false;
  /** Node's own, for `_destroy`: what it closes is reset. */
  declare resetAndClosing: boolean;

  constructor(handle: SocketHandle) {
    super({ handle, allowHalfOpen: true } as SocketConstructorOpts);
    this.once("end", () => (this.#hasEnded = true));
    this.read(0);
  }

  /** Who leaves before the peer's last word is a reset inside: what had begun was not meant to end there. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#hasEnded) this.resetAndClosing = true;
    super._destroy(error && reset(error), done);
  }
}

const reset = (cause: Error): DialError =>
  new DialError("reset", "the connection inside the sandbox broke off", { cause });
