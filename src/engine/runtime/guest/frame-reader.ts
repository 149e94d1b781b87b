import type { Socket } from "node:net";
import { TenkiError } from "../../../domain/error.js";
import { ByteQueue } from "./byte-queue.js";
import { malformed } from "./payload.js";
import { dataBytesMax, down, headerBytes } from "./protocol.js";

export interface Frame {
  readonly type: number;
  /** The whole payload; of output and file content, a part of it. */
  readonly payload: Buffer;
}

/** Content is handed out as it comes: who reads it cares for the bytes, not for how they were framed. */
const streamedTypes: ReadonlySet<number> = new Set([down.stdout, down.stderr, down.data]);
const knownTypes: ReadonlySet<number> = new Set(Object.values(down));

/** One whole frame always fits below this, so that pausing cannot hold back what is waited for. */
const queuedBytesMax = dataBytesMax + headerBytes;

/** Cuts what a socket receives into frames. While nobody asks, it stops the socket: the sender waits. */
export class FrameReader {
  readonly #socket: Socket;
  readonly #queue = new ByteQueue();
  readonly #heard = {
    data: (chunk: Buffer) => this.#add(chunk),
    error: (error: Error) => this.#fail(error),
    close: () => this.#fail(undefined),
    end: () => this.#fail(undefined),
  };
  #frame: { readonly type: number; left: number } | undefined;
  #failure: TenkiError | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    for (const [event, heard] of Object.entries(this.#heard)) socket.on(event, heard);
  }

  /** No frame follows: what was received already is the beginning of something else, and so is what comes. */
  release(): Buffer {
    this.#socket.pause();
    for (const [event, heard] of Object.entries(this.#heard)) this.#socket.off(event, heard);
    return this.#queue.take(this.#queue.length);
  }

  /** Somebody asked for a frame that is not there yet. */
  get isWaiting(): boolean {
    return this.#wake !== undefined;
  }

  /** The next frame, or part of one. Throws `unavailable` when the connection ends first. */
  async next(): Promise<Frame> {
    for (;;) {
      const frame = this.#take();
      if (frame !== undefined) return frame;
      if (this.#failure !== undefined) throw this.#failure;
      this.#socket.resume();
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** The socket was given to somebody who writes to it, which has kept us from reading. */
  readOn(): void {
    if (this.isWaiting) this.#socket.resume();
  }

  /** Reads no more once `start` has given the socket to somebody else; what was received by then is to be had by `received`. */
  handOver<T>(start: (socket: Socket) => T): T {
    this.#socket.pause();
    while (this.#socket.read() !== null); // to whoever hears of `data`
    return start(this.#socket);
  }

  /** A frame, or part of one, that needs not be waited for. */
  received(): Frame | undefined {
    return this.#take();
  }

  /** What is begun of an output frame, `left` 0 between two frames; undefined where more than that is there. */
  get open(): { readonly type: number; readonly left: number } | undefined {
    if (this.#queue.length > 0) return undefined;
    if (this.#frame === undefined) return { type: 0, left: 0 };
    return streamedTypes.has(this.#frame.type) ? this.#frame : undefined;
  }

  /** Somebody else has read the rest of the frame that was open. */
  closeFrame(): void {
    this.#frame = undefined;
  }

  #add(chunk: Buffer): void {
    this.#queue.add(chunk);
    if (this.#queue.length > queuedBytesMax) this.#socket.pause();
    this.#wakeReader();
  }

  #fail(cause: Error | undefined): void {
    this.#failure ??= new TenkiError("unavailable", "the sandbox does not answer", { cause });
    this.#wakeReader();
  }

  #wakeReader(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  #take(): Frame | undefined {
    this.#frame ??= this.#takeHeader();
    const frame = this.#frame;
    if (frame === undefined) return undefined;
    const streamed = frame.left > 0 && streamedTypes.has(frame.type);
    const size = streamed ? Math.min(frame.left, this.#queue.firstLength) : frame.left;
    if (this.#queue.length < size || (streamed && size === 0)) return undefined;
    frame.left -= size;
    if (frame.left === 0) this.#frame = undefined;
    return { type: frame.type, payload: this.#queue.take(size) };
  }

  #takeHeader(): { type: number; left: number } | undefined {
    if (this.#queue.length < headerBytes) return undefined;
    const header = this.#queue.take(headerBytes);
    const type = header.readUInt8(4);
    const left = header.readUInt32LE(0);
    if (!knownTypes.has(type)) throw malformed(`an unknown kind of frame (${type})`);
    if (left > dataBytesMax) throw malformed("a frame that is too long");
    return { type, left };
  }
}
