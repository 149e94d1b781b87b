import { AsyncQueue } from "../../lib/async-queue.js";
import type { SessionRecord } from "./ports/store.js";

/** More changes than a session has states: nobody who reads at all is held back by it. */
const queueCapacity = 64;

/** Tells those who watch a session of its changes of state. */
export class SessionWatchers {
  readonly #queues = new Map<string, Set<AsyncQueue<SessionRecord>>>();

  /** The present record, then one for each change of state; ends with `signal`, or when its reader lets go. */
  async *watch(present: SessionRecord, signal: AbortSignal): AsyncGenerator<SessionRecord, void, undefined> {
    const queue = new AsyncQueue<SessionRecord>(queueCapacity);
    const queues = this.#queues.get(present.id) ?? new Set();
    this.#queues.set(present.id, queues.add(queue));
    const stop = () => queue.end();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    try {
      let state = present.state;
      yield present;
      for await (const record of queue) {
        if (record.state === state) continue;
        state = record.state;
        yield record;
      }
    } finally {
      signal.removeEventListener("abort", stop);
      queues.delete(queue);
      if (queues.size === 0) this.#queues.delete(present.id);
    }
  }

  notify(record: SessionRecord): void {
    for (const queue of this.#queues.get(record.id) ?? []) void queue.push(record);
  }
}
