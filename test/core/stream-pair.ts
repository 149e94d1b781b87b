import { Duplex } from "node:stream";

/** Two ends of one connection in memory: what is written to one is read from the other, and only as fast. */
export function streamPair(): [Duplex, Duplex] {
  const near = new PairedStream();
  const far = new PairedStream();
  near.other = far;
  far.other = near;
  return [near, far];
}

class PairedStream extends Duplex {
  other: PairedStream | undefined;
  #wanted: (() => void) | undefined;

  constructor() {
    super({ allowHalfOpen: true, highWaterMark: 16_384 });
  }

  override _read(): void {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    wanted?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const { other } = this;
    if (other === undefined || other.push(chunk)) done();
    else other.#wanted = done;
  }

  override _final(done: () => void): void {
    this.other?.push(null);
    done();
  }

  /** Before both ends have said their last, it is a reset for the other. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { other } = this;
    this.other = undefined;
    const isOver = this.writableFinished && this.readableEnded;
    if (other !== undefined && !other.destroyed && !isOver) other.destroy(new Error("reset"));
    done(error);
  }
}
