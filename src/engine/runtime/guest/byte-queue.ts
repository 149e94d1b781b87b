/** Received chunks in order, taken out in pieces of any size; copied only where a piece spans chunks. */
export class ByteQueue {
  #chunks: Buffer[] = [];
  /** Chunks before it were taken. Removed in bulk: one `shift` each would be quadratic for tiny chunks. */
  #first = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** How much can be taken without copying. */
  get firstLength(): number {
    return this.#chunks[this.#first]?.length ?? 0;
  }

  add(chunk: Buffer): void {
    if (this.#first === this.#chunks.length || this.#first > 1024) {
      this.#chunks = this.#chunks.slice(this.#first);
      this.#first = 0;
    }
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** `size` is at most `length`. */
  take(size: number): Buffer {
    if (size <= this.firstLength) return this.#takeFromFirst(size);
    const whole = Buffer.allocUnsafe(size);
    for (let filled = 0; filled < size;) {
      const piece = this.#takeFromFirst(Math.min(size - filled, this.firstLength));
      filled += piece.copy(whole, filled);
    }
    return whole;
  }

  #takeFromFirst(size: number): Buffer {
    const chunk = this.#chunks[this.#first];
    if (chunk === undefined) return Buffer.alloc(0);
    this.#length -= size;
    if (size < chunk.length) {
      this.#chunks[this.#first] = chunk.subarray(size);
      return chunk.subarray(0, size);
    }
    this.#first += 1;
    return chunk;
  }
}
