import { DialError } from "../../domain/dial.js";
import { type SocketHandle, TakenSocket } from "../../lib/taken-socket.js";

/** A connection inside. */
export class ReachedSocket extends TakenSocket {
  #hasEnded = false;
  /** Node's own, for `_destroy`: what it closes is reset. */
  declare resetAndClosing: boolean;

  constructor(handle: SocketHandle) {
    super(handle);
    this.once("end", () => (this.#hasEnded = true));
  }

  /** Who leaves before the peer's last word is a reset inside: what had begun was not meant to end there. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#hasEnded) this.resetAndClosing = true;
    super._destroy(error && reset(error), done);
  }
}

const reset = (cause: Error): DialError =>
  new DialError("reset", "the connection inside the sandbox broke off", { cause });
