import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { laneFrames } from "../../domain/run-lane.js";
import type { SshLaneEnd } from "../../domain/ssh-lane.js";
import { BurstMeter } from "../../lib/burst-meter.js";
import { writeFrame } from "../../lib/frames.js";
import { isPlainSocket } from "../../lib/relay-process.js";
import { SocketBytes } from "./socket-bytes.js";

/** Who speaks to a session's SSH server, however it is connected. */
export interface SshCaller {
  /** What it sends, until it closes or is gone; a socket: more comes thick from there. Who does not read stops it. */
  readonly bytes: AsyncIterable<Uint8Array | Socket>;
  /** Resolves when more may be sent. What a client does not get any more is nobody's matter. */
  send(data: Uint8Array): Promise<void>;
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

/** By the lane: on this machine, where nobody stands in between. */
export class LaneCaller implements SshCaller {
  readonly bytes: AsyncIterable<Uint8Array | Socket>;
  readonly #socket: Duplex;

  constructor(socket: Duplex) {
    this.#socket = socket;
    this.bytes = readBytes(socket);
  }

  async send(data: Uint8Array): Promise<void> {
    if (this.#socket.writable) await writeFrame(this.#socket, laneFrames.data, data);
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
    this.#socket.once("close", listener);
    return () => void this.#socket.off("close", listener);
  }

  drop(): void {
    this.#socket.resume(); // until its end, which would not come otherwise
  }
}

/** Until it ends or breaks off; for a server that is the same. */
async function* readBytes(socket: Duplex): AsyncGenerator<Uint8Array | Socket, void, undefined> {
  const meter = new BurstMeter();
  let ended = socket.readableEnded || socket.destroyed;
  let wake: () => void = () => undefined;
  socket.on("readable", () => wake());
  const settle = () => {
    ended = true;
    wake();
  };
  for (const end of ["end", "close", "error"]) socket.once(end, settle);
  for (;;) {
    const chunk = socket.read() as Buffer | null;
    if (chunk !== null) yield chunk;
    else if (ended) return;
    else await new Promise<void>((resolve) => (wake = resolve));
    if (chunk !== null && meter.add(chunk.length) && isPlainSocket(socket)) yield socket;
  }
}
