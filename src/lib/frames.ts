import type { Duplex } from "node:stream";

/** A kind and a payload; of a kind that is handed out in pieces, a piece of one. */
export interface Frame {
  readonly kind: number;
  readonly payload: Buffer;
}

export interface FrameRules {
  /** What one frame may hold. */
  readonly maxBytes: number;
  /** Handed out as they come in: who reads them cares for the bytes, not for how they were framed. */
  readonly inPieces: ReadonlySet<number>;
}

/** `[u8 kind][u32 length, big endian][payload]` */
const headBytes = 5;

/** Resolves when the other side keeps up with what was written. */
export function writeFrame(socket: Duplex, kind: number, payload: Uint8Array): Promise<void> {
  const head = Buffer.allocUnsafe(headBytes);
  head.writeUInt8(kind, 0);
  head.writeUInt32BE(payload.length, 1);
  socket.cork();
  socket.write(head);
  socket.write(payload);
  socket.uncork();
  return socket.writableNeedDrain && !socket.destroyed ? drained(socket) : Promise.resolve();
}

/** What a socket receives, as fast as it is read. Ends where the socket ends between two frames. */
export async function* readFrames(socket: Duplex, rules: FrameRules): AsyncGenerator<Frame, void, undefined> {
  const source = new FrameSource(socket, rules);
  for (let frame = await source.next(); frame !== undefined; frame = await source.next()) yield frame;
}

/** What a socket receives, for one reader; no faster than it asks. */
export class FrameSource {
  readonly #socket: Duplex;
  readonly #cutter: FrameCutter;
  #failure: Error | undefined;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(socket: Duplex, rules: FrameRules) {
    this.#socket = socket;
    this.#cutter = new FrameCutter(rules);
    socket.on("readable", () => this.#wake?.());
    socket.on("end", () => this.#end());
    socket.on("error", (error) => this.#end(error));
    socket.on("close", () => this.#end(new Error("the stream was closed")));
    if (socket.readableEnded) this.#ended = true;
  }

  /** Undefined where the socket has ended between two frames; throws where it has within one, or broke off. */
  async next(): Promise<Frame | undefined> {
    for (;;) {
      const frame = this.#cutter.take();
      if (frame !== undefined) return frame;
      if (this.#read()) continue;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return this.#cutter.finish();
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Reads no more once `start` has given the socket to somebody else; what was received by then is to be had by `received`. */
  handOver<T>(start: (socket: Duplex) => T): T {
    while (this.#read());
    return start(this.#socket);
  }

  /** A frame, or a piece of one, that needs not be waited for. */
  received(): Frame | undefined {
    return this.#cutter.take();
  }

  /** What is begun of a frame; undefined where its head is cut through, or it has to be there as a whole. */
  get open(): { readonly kind: number; readonly left: number } | undefined {
    return this.#cutter.open;
  }

  /** Somebody else has read the rest of the frame that was open. */
  closeFrame(): void {
    this.#cutter.closeFrame();
  }

  /** False where nothing is there. */
  #read(): boolean {
    const chunk = this.#socket.read() as Buffer | null;
    if (chunk !== null) this.#cutter.add(chunk);
    return chunk !== null;
  }

  #end(failure?: Error): void {
    if (!this.#ended) this.#failure ??= failure;
    this.#ended ||= failure === undefined;
    this.#wake?.();
  }
}

class FrameCutter {
  readonly #rules: FrameRules;
  #rest: Buffer = Buffer.alloc(0);
  /** A frame that has begun, and how much of it is to come. */
  #open: { kind: number; left: number } | undefined;

  constructor(rules: FrameRules) {
    this.#rules = rules;
  }

  add(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
  }

  /** The next frame, or piece of one; undefined where more has to come first. */
  take(): Frame | undefined {
    this.#open ??= this.#begin();
    if (this.#open === undefined) return undefined;
    const { kind, left } = this.#open;
    const isShort = this.#rest.length < left;
    if (isShort && (this.#rest.length === 0 || !this.#rules.inPieces.has(kind))) return undefined;
    const payload = this.#cut(Math.min(left, this.#rest.length));
    this.#open = isShort ? { kind, left: left - payload.length } : undefined;
    return { kind, payload };
  }

  get open(): { readonly kind: number; readonly left: number } | undefined {
    if (this.#rest.length > 0) return undefined;
    return this.#open ?? { kind: 0, left: 0 };
  }

  closeFrame(): void {
    this.#open = undefined;
  }

  finish(): undefined {
    if (this.#rest.length > 0 || this.#open !== undefined)
      throw new RangeError("the stream ended within a frame");
  }

  /** Undefined where the head of the next frame is not there yet. */
  #begin(): { kind: number; left: number } | undefined {
    if (this.#rest.length < headBytes) return undefined;
    const head = this.#cut(headBytes);
    const open = { kind: head.readUInt8(0), left: head.readUInt32BE(1) };
    if (open.left > this.#rules.maxBytes) throw new RangeError(`a frame of ${open.left} bytes is too large`);
    return open;
  }

  #cut(size: number): Buffer {
    const piece = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    return piece;
  }
}

function drained(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      socket.off("drain", settle).off("close", settle);
      resolve();
    };
    socket.once("drain", settle).once("close", settle);
  });
}
