import type { Clock } from "./ports/clock.js";
import type { Sessions } from "./sessions.js";

/** However far away the next end is: the wall clock may be set, and what failed is tried again. */
const longestPauseMs = 15_000;

/** Ends sessions whose time is over, driven by the record: right after a restart, and after the clock was set. */
export class Reaper {
  readonly #sessions: Sessions;
  readonly #clock: Clock;
  #callOff: (() => void) | undefined;
  #stopped = false;

  constructor(sessions: Sessions, clock: Clock) {
    this.#sessions = sessions;
    this.#clock = clock;
  }

  /** Looks once, and from then on by itself. */
  async tick(): Promise<void> {
    this.#callOff?.();
    const next = await this.#sessions.endOverdue();
    if (this.#stopped) return;
    const untilNext = next === undefined ? longestPauseMs : next.getTime() - this.#clock.now().getTime();
    this.#callOff = this.#clock.after(
      Math.min(Math.max(untilNext, 10), longestPauseMs),
      () => void this.tick(),
    );
  }

  stop(): void {
    this.#stopped = true;
    this.#callOff?.();
  }
}
