export interface ReadyPoolOptions<T> {
  /** How many to keep. */
  readonly size: number;
  readonly make: () => Promise<T>;
  /** Filling up stops there, and is tried again after the next `take`. */
  readonly onFailure: (error: unknown) => void;
}

/** Time for whoever took one to get on: making another takes a processor for a while. */
const refillDelayMs = 100;

/** Keeps a few of what takes long to make, and makes new ones in the background, one at a time. */
export class ReadyPool<T> {
  readonly #options: ReadyPoolOptions<T>;
  readonly #ready: T[] = [];
  #timer: NodeJS.Timeout | undefined;
  #filling: Promise<void> | undefined;
  #closed = false;

  constructor(options: ReadyPoolOptions<T>) {
    this.#options = options;
    this.#fillLater(0);
  }

  /** Undefined where none is ready. */
  take(): T | undefined {
    const one = this.#ready.shift();
    this.#fillLater(refillDelayMs);
    return one;
  }

  /** Stops, and hands out what is left. */
  async drain(): Promise<T[]> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#filling;
    return this.#ready.splice(0);
  }

  #fillLater(delayMs: number): void {
    if (this.#closed || this.#timer !== undefined || this.#filling !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#filling = this.#fill().finally(() => (this.#filling = undefined));
    }, delayMs);
    this.#timer.unref();
  }

  async #fill(): Promise<void> {
    try {
      while (!this.#closed && this.#ready.length < this.#options.size) {
        this.#ready.push(await this.#options.make());
      }
    } catch (error) {
      this.#options.onFailure(error);
    }
  }
}
