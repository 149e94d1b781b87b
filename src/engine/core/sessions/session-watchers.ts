import { AsyncQueue } from "../../../lib/async-queue.js";
import type { SessionRecord } from "../ports/store.js";

/** More changes than a session has states: nobody who reads at all is held back by it. */
const queueCapacity = 64;

/** Tells those who watch a session of its changes of state. */
export class SessionWatchers {
  readonly #queues = new Map<string, Set<AsyncQueue<SessionRecord>>>();

  /** The present record, then one for each change of state; ends with `signal`, or when its reader lets go. */
  async *watch(
    id: string,
    readPresent: () => SessionRecord,
    signal: AbortSignal,
  ): AsyncGenerator<SessionRecord, void, undefined> {
    // A generator begins when it is first read: what is present has to be asked for then, not before.
    const queue = new AsyncQueue<SessionRecord>(queueCapacity);
    const queues = this.#queues.get(id) ?? new Set();
    this.#queues.set(id, queues.add(queue));
    const stop = () => queue.end();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    try {
      yield readPresent();
      yield* queue;
    } finally {
      signal.removeEventListener("abort", stop);
      queues.delete(queue);
      if (queues.size === 0) this.#queues.delete(id);
    }
  }

  /** To be called for changes of state only. */
  notify(record: SessionRecord): void {
    for (const queue of this.#queues.get(record.id) ?? []) void queue.push(record);
  }

  /** How many watch. */
  get size(): number {
    return [...this.#queues.values()].reduce((sum, queues) => sum + queues.size, 0);
  }
}
