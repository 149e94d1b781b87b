import { type Duplex, finished } from "node:stream";
import { finished as untilFinished } from "node:stream/promises";
import type { WebSocket } from "ws";
import { laneFrames } from "../../domain/run-lane.js";
import { type SshLaneEnd, sshLaneProtocol, sshPassHeader } from "../../domain/ssh-lane.js";
import { writeFrame } from "../../lib/frames.js";
import type { IssuedCredential } from "../core/access/credentials.js";
import type { Wire } from "../core/ports/runtime.js";
import { SocketBytes } from "./socket-bytes.js";

/** Who speaks to a session's SSH server, however it is connected. */
export interface SshCaller {
  /** What it sends, until it closes or is gone. Who does not read stops it. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /**
   * Resolves when more may be sent. What a client does not get any more is nobody's matter. Undefined: it has a wire to
   * the server, and nothing that is said goes through here.
   */
  send?(data: Uint8Array): Promise<void>;
  /** Beside the bytes. */
  tell(text: string): void;
  /** As a WebSocket closes. */
  close(code: number, reason: string): void;
  /** Calls once it has closed or is gone; the result lets go. */
  onClose(listener: () => void): () => void;
  /** Nothing is read any more. */
  drop(): void;
}

/** What is sent and has not left yet may be so much before the server is held back. */
const waitingBytesMax = 256 << 10;
/** Proxies on the way close what is silent. */
const pingMs = 30_000;

/** By the contract's bridge. */
export class WebSocketCaller implements SshCaller {
  readonly bytes: SocketBytes;
  readonly #socket: WebSocket;
  readonly #pings: NodeJS.Timeout;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    this.bytes = new SocketBytes(socket);
    this.#pings = setInterval(() => socket.ping(), pingMs);
  }

  async send(data: Uint8Array): Promise<void> {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return;
    await new Promise<void>((resolve) => {
      socket.send(data, { binary: true }, () => resolve());
      if (socket.bufferedAmount < waitingBytesMax) resolve();
    });
  }

  tell(text: string): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(text);
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  onClose(listener: () => void): () => void {
    this.#socket.once("close", listener);
    return () => void this.#socket.off("close", listener);
  }

  drop(): void {
    clearInterval(this.#pings);
    this.bytes.drop();
  }
}

/** By the lane: on this machine, beside a wire that leads to the server. */
export class LaneCaller implements SshCaller {
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly wire: Wire;
  readonly #socket: Duplex;
  #pass: IssuedCredential | undefined;
  #isInvited = false;

  constructor(socket: Duplex) {
    this.#socket = socket;
    this.bytes = nothingUntilEnd(socket);
    this.wire = { from: socket, invite: () => this.#invite() };
  }

  /** It has been told that it is connected: what goes wrong from here on is no answer to its request. */
  get isInvited(): boolean {
    return this.#isInvited;
  }

  /** What the caller may come with the next time, to be told with the invitation. */
  give(pass: IssuedCredential): void {
    this.#pass = pass;
  }

  tell(text: string): void {
    if (this.#socket.writable) void writeFrame(this.#socket, laneFrames.message, Buffer.from(text));
  }

  close(code: number, reason: string): void {
    if (!this.#socket.writable) return;
    const end: SshLaneEnd = { code, reason };
    void writeFrame(this.#socket, laneFrames.end, Buffer.from(JSON.stringify(end)));
    this.#socket.end();
  }

  onClose(listener: () => void): () => void {
    // With what it says, whether or not the socket closes by that.
    return finished(this.#socket, { writable: false }, () => listener());
  }

  drop(): void {
    this.#socket.resume(); // until its end, which would not come otherwise
  }

  #invite(): void {
    this.#isInvited = true;
    const lines = ["HTTP/1.1 101 Switching Protocols", "connection: upgrade", `upgrade: ${sshLaneProtocol}`];
    if (this.#pass !== undefined)
      lines.push(`${sshPassHeader}: ${this.#pass.credential} ${this.#pass.expiresAt.getTime()}`);
    this.#socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  }
}

/** Until it ends or breaks off; for a server that is the same. */
const nothingUntilEnd = (socket: Duplex): AsyncIterable<Uint8Array> => ({
  [Symbol.asyncIterator]: () => ({
    next: async () => {
      await untilFinished(socket, { writable: false }).catch(() => undefined);
      return { done: true, value: undefined };
    },
  }),
});
