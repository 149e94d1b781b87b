import type { Clock } from "../ports/clock.js";

/** What does by itself what is due, and knows when that is. */
export interface DueThings {
  /** Begins to do what is due. Resolves with when to look next. */
  attendDue(): Promise<Date | undefined>;
  /** Calls `listener` with each moment that something will be due at. */
  onNewDue(listener: (at: Date) => void): void;
}

/** However far away what is due next is: the wall clock may be set, and what failed is tried again. */
const longestPauseMs = 15_000;
const shortestPauseMs = 10;

/** Ends sessions whose time is over, pauses idle ones, deletes snapshots that have expired: driven by the record, after a restart and a clock that was set, too. */
export class Reaper {
  readonly #things: readonly DueThings[];
  readonly #clock: Clock;
  /** When it looks next; undefined before the first look and while it looks. */
  #wakesAtMs: number | undefined;
  #callOff: (() => void) | undefined;
  #state: "new" | "running" | "stopped" = "new";

  constructor(things: readonly DueThings[], clock: Clock) {
    this.#things = things;
    this.#clock = clock;
    for (const each of things) each.onNewDue((at) => this.#wakeBy(at.getTime()));
  }

  /** Looks once, and from then on by itself. */
  async tick(): Promise<void> {
    if (this.#state === "stopped") return;
    this.#state = "running";
    this.#callOff?.();
    this.#wakesAtMs = undefined;
    const due = await Promise.all(this.#things.map((each) => each.attendDue()));
    const latest = this.#clock.now().getTime() + longestPauseMs;
    this.#wakeBy(Math.min(...due.map((next) => next?.getTime() ?? latest), latest));
  }

  stop(): void {
    this.#state = "stopped";
    this.#callOff?.();
  }

  #wakeBy(atMs: number): void {
    if (this.#state !== "running" || (this.#wakesAtMs !== undefined && this.#wakesAtMs <= atMs)) return;
    this.#callOff?.();
    this.#wakesAtMs = atMs;
    const pauseMs = Math.max(atMs - this.#clock.now().getTime(), shortestPauseMs);
    this.#callOff = this.#clock.after(Math.min(pauseMs, longestPauseMs), () => void this.tick());
  }
}
