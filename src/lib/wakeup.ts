/** For one who waits again and again: a call that comes while it does something else is not missed. */
export class Wakeup {
  #called = false;
  #resolve: (() => void) | undefined;

  readonly wake = (): void => {
    this.#called = true;
    this.#resolve?.();
  };

  /** Resolves at the next call, or at once where there was one since the last time. */
  async wait(): Promise<void> {
    if (!this.#called) await new Promise<void>((resolve) => (this.#resolve = resolve));
    this.#called = false;
  }
}
