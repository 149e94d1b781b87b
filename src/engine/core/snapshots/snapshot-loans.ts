import { UseCount } from "../use-count.js";

/** Who uses a snapshot at this moment: it is deleted when they have let go. */
export class SnapshotLoans {
  readonly #uses = new UseCount();
  readonly #readers = new Map<string, Set<AbortController>>();

  /** For the moment that making a disk of it takes; it is waited for. Calling the returned function again does nothing. */
  hold(id: string): () => void {
    const end = this.#uses.begin(id);
    return () => void end();
  }

  /** For as long as somebody reads it, until `end`; `signal` aborts when it is to be deleted. */
  read(id: string): { readonly signal: AbortSignal; readonly end: () => void } {
    const abort = new AbortController();
    const readers = this.#readers.get(id) ?? new Set();
    this.#readers.set(id, readers.add(abort));
    const letGo = this.hold(id);
    const end = () => {
      readers.delete(abort);
      if (readers.size === 0 && this.#readers.get(id) === readers) this.#readers.delete(id);
      letGo();
    };
    return { signal: abort.signal, end };
  }

  /** Cuts off who reads it, and resolves when nobody uses it. */
  async recall(id: string): Promise<void> {
    for (const reader of this.#readers.get(id) ?? []) reader.abort(new Error("the snapshot was deleted"));
    await this.#uses.untilNone(id);
  }
}
