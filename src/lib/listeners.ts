/** Tells everybody who listens that something has changed; what it is they look up themselves. */
export class Listeners {
  readonly #listeners = new Set<() => void>();

  /** The returned function ends it. */
  add(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  notify(): void {
    for (const listener of this.#listeners) listener();
  }
}
