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
  const cutter = new FrameCutter(rules);
  // Who reads no further may still have something to say.
  const chunks = socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const chunk of chunks) yield* cutter.cut(chunk);
  cutter.finish();
}

class FrameCutter {
  readonly #rules: FrameRules;
  #rest: Buffer = Buffer.alloc(0);
  /** A frame that is handed out in pieces, and how much of it is to come. */
  #open = { kind: 0, left: 0 };

  constructor(rules: FrameRules) {
    this.#rules = rules;
  }

  *cut(chunk: Buffer): Generator<Frame, void, undefined> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length > 0) {
      if (this.#open.left === 0 && !this.#begin()) return;
      const { kind, left } = this.#open;
      if (this.#rest.length < left && !this.#rules.inPieces.has(kind)) return;
      const payload = this.#take(Math.min(left, this.#rest.length));
      this.#open.left -= payload.length;
      yield { kind, payload };
    }
  }

  finish(): void {
    if (this.#rest.length > 0 || this.#open.left > 0) throw new RangeError("the stream ended within a frame");
  }

  /** False where the head of the next frame is not there yet. */
  #begin(): boolean {
    if (this.#rest.length < headBytes) return false;
    const head = this.#take(headBytes);
    this.#open = { kind: head.readUInt8(0), left: head.readUInt32BE(1) };
    if (this.#open.left > this.#rules.maxBytes)
      throw new RangeError(`a frame of ${this.#open.left} bytes is too large`);
    return true;
  }

  #take(size: number): Buffer {
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
