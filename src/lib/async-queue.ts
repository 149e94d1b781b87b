/** A queue between one producer and one consumer; `push` resolves when there is room again. */
export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  readonly #capacity: number;
  #ended = false;
  #failure: unknown;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  /** `capacity`: how many items may wait before `push` holds its caller back. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Nobody takes anything any more. */
  get ended(): boolean {
    return this.#ended;
  }

  async push(item: T): Promise<void> {
    if (this.#ended) return;
    this.#items.push(item);
    this.#wakeReader?.();
    while (this.#items.length > this.#capacity && !this.#ended) {
      await new Promise<void>((resolve) => (this.#wakeWriter = resolve));
    }
  }

  /** No more items; what waits is still handed out, then `failure` is thrown where there is one. */
  end(failure?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        const item = this.#items.shift();
        if (item !== undefined) {
          this.#wakeWriter?.();
          yield item;
        } else if (this.#ended) {
          if (this.#failure !== undefined) throw this.#failure;
          return;
        } else {
          await new Promise<void>((resolve) => (this.#wakeReader = resolve));
        }
      }
    } finally {
      this.#ended = true;
      this.#wakeWriter?.();
    }
  }
}
