import type { Clock } from "../../src/engine/core/ports/clock.js";

interface Alarm {
  readonly atMs: number;
  readonly wake: () => void;
}

/** A clock that stands still until it is told otherwise. */
export class FakeClock implements Clock {
  #wallMs: number;
  /** What alarms go by: setting the wall clock does not move it. */
  #elapsedMs = 0;
  readonly #alarms = new Set<Alarm>();

  constructor(start = new Date("2030-01-01T00:00:00Z")) {
    this.#wallMs = start.getTime();
  }

  now(): Date {
    return new Date(this.#wallMs);
  }

  after(ms: number, wake: () => void): () => void {
    const alarm = { atMs: this.#elapsedMs + ms, wake };
    this.#alarms.add(alarm);
    return () => void this.#alarms.delete(alarm);
  }

  /** How many alarms wait to go off. */
  get alarms(): number {
    return this.#alarms.size;
  }

  /** When the next alarm goes off, counted from now; undefined where none is set. */
  get nextAlarmMs(): number | undefined {
    const times = [...this.#alarms].map(({ atMs }) => atMs - this.#elapsedMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Lets time pass, and alarms go off in their order. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsedMs + ms;
    for (;;) {
      const [next] = [...this.#alarms].sort((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs > end) break;
      this.#pass(next.atMs - this.#elapsedMs);
      this.#alarms.delete(next);
      next.wake();
      await settle();
    }
    this.#pass(end - this.#elapsedMs);
    await settle();
  }

  /** Somebody sets the wall clock; no time passes. */
  set(now: Date): void {
    this.#wallMs = now.getTime();
  }

  #pass(ms: number): void {
    this.#elapsedMs += ms;
    this.#wallMs += ms;
  }
}

/** Lets everything run that waits for nothing but its turn. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
