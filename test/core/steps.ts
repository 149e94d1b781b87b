/** A point in a part's work: before its effect, or after it and before its answer. */
export type When = "before" | "after";

export interface Held {
  /** Resolves when the step has got there. */
  readonly reached: Promise<void>;
  /** Lets it go on. */
  release(): void;
}

interface Plan {
  readonly act: (signal: AbortSignal | undefined) => Promise<void>;
  timesLeft: number;
}

/** Where the in-memory parts can be told to fail or to hang, by the step's name: `disks.allocate`. */
export class Steps {
  readonly #plans = new Map<string, Plan[]>();
  /** Every step that was entered, in order. */
  readonly taken: string[] = [];

  /** The step throws; `times` (default: once) of its next runs. */
  fail(step: string, options: { error?: Error; times?: number; when?: When } = {}): void {
    const error = options.error ?? new Error(`${step} was told to fail`);
    this.#plan(step, options.when, { act: () => Promise.reject(error), timesLeft: options.times ?? 1 });
  }

  /** The step's next run waits for `release`, or for its caller's signal where it has one. */
  hold(step: string, when: When = "before"): Held {
    const released = deferred();
    const reached = deferred();
    const act = (signal: AbortSignal | undefined) => {
      reached.resolve();
      return Promise.race([released.promise, aborted(signal)]);
    };
    this.#plan(step, when, { act, timesLeft: 1 });
    return { reached: reached.promise, release: released.resolve };
  }

  /** Does `effect` as the step says: what is planned for before it, it, what is planned for after it. */
  async run<T>(step: string, effect: () => T, signal?: AbortSignal): Promise<T> {
    this.taken.push(step);
    await this.#reach(step, "before", signal);
    const result = effect();
    await this.#reach(step, "after", signal);
    return result;
  }

  #plan(step: string, when: When = "before", plan: Plan): void {
    const key = `${step} ${when}`;
    this.#plans.set(key, [...(this.#plans.get(key) ?? []), plan]);
  }

  async #reach(step: string, when: When, signal: AbortSignal | undefined): Promise<void> {
    const [plan, ...others] = this.#plans.get(`${step} ${when}`) ?? [];
    if (plan === undefined) return;
    plan.timesLeft -= 1;
    if (plan.timesLeft === 0) this.#plans.set(`${step} ${when}`, others);
    await plan.act(signal);
  }
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

const aborted = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, reject) => {
    const stop = () => reject(signal?.reason as Error);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
