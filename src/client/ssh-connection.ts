import type { WebSocket } from "ws";
import { type LoginRefusal, loginRefusals } from "../domain/login-refusal.js";
import { ConnectionError } from "./connection-error.js";
import { StreamClosedError } from "./errors.js";

/** Unread bytes past which the gateway is held back. */
const highWaterBytes = 256 * 1024;
const normalClosure = 1000;
const noStatus = 1005;

/** Where the gateway gives no reason. */
const closeReasons: Readonly<Record<number, string>> = {
  1001: "the gateway went away",
  1006: "the connection to the gateway was lost",
};

/** Hears why the server does not let in who speaks on top of a connection; it may still take another key. */
export type LoginRefusalListener = (refusal: LoginRefusal) => void;

/** The raw bytes of an SSH connection; what speaks SSH sits on top of it. */
export class SSHConnection {
  readonly #socket: WebSocket;
  readonly #onLoginRefused: LoginRefusalListener;
  #unread: Uint8Array[] = [];
  #unreadBytes = 0;
  #ended = false;
  #failure: ConnectionError | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: WebSocket, onLoginRefused: LoginRefusalListener = () => undefined) {
    this.#socket = socket;
    this.#onLoginRefused = onLoginRefused;
    socket.binaryType = "nodebuffer";
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.#received(data);
      else this.#heard(data.toString());
    });
    socket.on("close", (code, reason) => {
      this.#ended = true;
      this.#failure = endOfSsh(code, reason.toString());
      this.#wake?.();
    });
  }

  /** The next bytes; null when the other side has closed. */
  async read(): Promise<Uint8Array | null> {
    while (this.#unread.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const data = this.#unread.shift();
    if (data === undefined) {
      if (this.#failure !== undefined) throw this.#failure;
      return null;
    }
    this.#unreadBytes -= data.length;
    if (this.#unreadBytes < highWaterBytes && this.#socket.isPaused) this.#socket.resume();
    return data;
  }

  /** Resolves when the bytes have left. */
  write(data: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(data, { binary: true }, (error) => {
        if (error === undefined || error === null) resolve();
        else reject(new StreamClosedError("aborted", "the SSH connection is closed", { cause: error }));
      });
    });
  }

  /** What has been written arrives; the other side is heard until it closes as well. */
  close(): void {
    if (this.#socket.isPaused) this.#socket.resume(); // a paused one would never hear of the close
    this.#socket.close(normalClosure);
  }

  /** Ends it without waiting for the other side. */
  terminate(): void {
    this.#socket.terminate();
  }

  /** A gateway says nothing else that means something, and many say nothing. */
  #heard(text: string): void {
    const refusal = readLoginRefusal(text);
    if (refusal !== undefined) this.#onLoginRefused(refusal);
  }

  #received(data: Uint8Array): void {
    this.#unread.push(data);
    this.#unreadBytes += data.length;
    if (this.#unreadBytes >= highWaterBytes) this.#socket.pause();
    this.#wake?.();
  }
}

/** Undefined where the text says something else. */
export const readLoginRefusal = (text: string): LoginRefusal | undefined =>
  loginRefusals.find((known) => text === JSON.stringify({ login_refused: known }));

/** What a connection's end means, by its code and reason; undefined where it was meant. */
export function endOfSsh(code: number, reason: string): ConnectionError | undefined {
  if (code === normalClosure || code === noStatus) return undefined;
  const why = reason || closeReasons[code] || `code ${code}`;
  return new ConnectionError(`the SSH connection ended: ${why}`, { requestSent: true });
}
