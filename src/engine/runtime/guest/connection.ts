import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { TenkiError } from "../../../domain/error.js";
import { type Frame, FrameReader } from "./frame-reader.js";
import { headerBytes, up } from "./protocol.js";
import { openSocketAddress } from "./socket-address.js";

/** A frame up to this size is sent as one piece rather than gathered from two. */
const copiedBytesMax = 4096;

/** How long a guest may take to take what it is told last. */
const partingMs = 5_000;

/** One connection to the guest, and so one operation. Whoever opened it closes it. */
export class GuestConnection {
  /** False while the guest has nothing to answer before it hears more. */
  answerIsDue = true;
  readonly #socket: Socket;
  readonly #reader: FrameReader;

  /**
   * `patienceMs`: how long the guest may be silent when it is its turn; 0 = for ever, as a command may.
   * `allowHalfOpen`: we may go on when the guest has said its last; default: not.
   */
  constructor(
    socketPath: string,
    { patienceMs = 0, allowHalfOpen = false }: { patienceMs?: number; allowHalfOpen?: boolean } = {},
  ) {
    const address = openSocketAddress(socketPath);
    this.#socket = connect({ path: address.path, allowHalfOpen });
    this.#socket.once("connect", address.release).once("close", address.release);
    this.#reader = new FrameReader(this.#socket);
    if (patienceMs > 0) this.#limitSilence(patienceMs);
  }

  /** Resolves once the guest can be reached; where it cannot, `next` says so. */
  async opened(): Promise<void> {
    if (this.#socket.connecting) await once(this.#socket, "connect").catch(() => undefined);
  }

  /** Throws `unavailable` when the guest goes away, or does not keep to the protocol. */
  async next(): Promise<Frame> {
    try {
      return await this.#reader.next();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Resolves when the frame was handed to the kernel. What went wrong is for the next `next` to say. */
  send(type: number, payload: Uint8Array): Promise<void> {
    const header = Buffer.allocUnsafe(headerBytes);
    header.writeUInt32LE(payload.length, 0);
    header.writeUInt8(type, 4);
    return new Promise((resolve) => {
      const done = () => resolve();
      if (payload.length <= copiedBytesMax) {
        this.#socket.write(Buffer.concat([header, payload]), done);
        return;
      }
      this.#socket.cork();
      this.#socket.write(header);
      this.#socket.write(payload, done);
      this.#socket.uncork();
    });
  }

  /** Lets `start` give the socket to somebody who writes to it; reading it stays here. */
  lend<T>(start: (socket: Socket) => T): T {
    const lent = start(this.#socket);
    this.#reader.readOn();
    return lent;
  }

  /** For who goes on with frames in another process. */
  get reader(): Pick<FrameReader, "handOver" | "received" | "open" | "closeFrame"> {
    return this.#reader;
  }

  /** After the last frame: the connection is the caller's, and bytes are no frames any more. */
  release(): { readonly socket: Socket; readonly received: Buffer } {
    this.#socket.setTimeout(0).removeAllListeners("timeout");
    return { socket: this.#socket, received: this.#reader.release() };
  }

  /** Idempotent. The guest ends what it was doing for us, but for a command that is kept. */
  close(): void {
    this.#socket.destroy();
  }

  /** Idempotent. Closes, and a command that is kept ends as well; where it has ended, nobody waits for us any more. */
  hangUp(): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    void this.send(up.hangUp, Buffer.alloc(0));
    this.#socket.destroySoon();
    const parting = setTimeout(() => this.close(), partingMs);
    this.#socket.once("close", () => clearTimeout(parting));
  }

  /** A guest's processes can stop what serves its files, which must not keep a caller for ever. */
  #limitSilence(patienceMs: number): void {
    this.#socket.setTimeout(patienceMs, () => {
      const untaken = this.#socket.writableLength > 0;
      if (untaken || (this.answerIsDue && this.#reader.isWaiting)) this.close();
      else this.#socket.setTimeout(patienceMs);
    });
  }

  /** Runs `operation` and closes the connection, by `leave`, when it fails or the signal aborts; the signal is let go then. */
  async during<T>(
    signal: AbortSignal,
    operation: () => Promise<T>,
    leave: () => void = () => this.close(),
  ): Promise<T> {
    const onAbort = leave;
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      if (signal.aborted) throw cancelled(signal);
      return await operation();
    } catch (error) {
      leave();
      throw signal.aborted ? cancelled(signal) : error;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }
}

const cancelled = (signal: AbortSignal): TenkiError =>
  signal.reason instanceof TenkiError
    ? signal.reason
    : new TenkiError("cancelled", "the call was cancelled", { cause: signal.reason });
