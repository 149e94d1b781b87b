import type { ByteSource } from "./write-file.js";

/** Far more than is under way before a refused call is known to be refused. */
const keptBytes = 4 << 20;

/** A source that can be read from its beginning again, as long as little was read of it. */
export class Rewindable {
  readonly #iterator: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  readonly #chunks: Uint8Array[] = [];
  #pulling: Promise<void> | undefined;
  #keeping = true;
  #done = false;
  bytesRead = 0;
  /** What the source itself threw. */
  failure: unknown;

  constructor(source: ByteSource) {
    this.#iterator =
      Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  }

  canRewind(): boolean {
    return this.#keeping && this.failure === undefined;
  }

  /** From the beginning. There is one reader at a time. */
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let at = 0; ;) {
      const chunk = this.#chunks[at];
      if (chunk !== undefined) {
        if (this.#keeping) at++;
        else at = this.#drop(at + 1);
        yield chunk;
      } else if (this.#done) {
        return;
      } else {
        await (this.#pulling ??= this.#pull().finally(() => (this.#pulling = undefined)));
      }
    }
  }

  /** Lets go of the source; one that is being waited for is told, and not waited for. */
  async release(): Promise<void> {
    if (this.#done) return;
    const released = Promise.resolve(this.#iterator.return?.()).catch(() => undefined);
    if (this.#pulling === undefined) await released;
  }

  #drop(count: number): 0 {
    this.#chunks.splice(0, count);
    return 0;
  }

  async #pull(): Promise<void> {
    try {
      const { done, value } = await this.#iterator.next();
      this.#done = done === true;
      if (done === true) return;
      this.#chunks.push(value);
      this.bytesRead += value.length;
      if (this.bytesRead > keptBytes) this.#keeping = false;
    } catch (error) {
      this.#done = true;
      this.failure = error;
      throw error;
    }
  }
}
