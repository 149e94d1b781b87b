/** Counts what goes on in each session. */
export class UseCount {
  readonly #counts = new Map<string, number>();
  readonly #waiting = new Map<string, (() => void)[]>();

  /** The returned function says that it is over; it answers false when that was said before. */
  begin(id: string): () => boolean {
    this.#counts.set(id, this.of(id) + 1);
    let isOver = false;
    return () => {
      if (isOver) return false;
      isOver = true;
      this.#end(id);
      return true;
    };
  }

  of(id: string): number {
    return this.#counts.get(id) ?? 0;
  }

  /** Resolves when nothing goes on there. */
  untilNone(id: string): Promise<void> {
    if (this.of(id) === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.set(id, [...(this.#waiting.get(id) ?? []), resolve]));
  }

  #end(id: string): void {
    const left = this.of(id) - 1;
    if (left > 0) {
      this.#counts.set(id, left);
      return;
    }
    this.#counts.delete(id);
    const waiting = this.#waiting.get(id) ?? [];
    this.#waiting.delete(id);
    for (const wake of waiting) wake();
  }
}
