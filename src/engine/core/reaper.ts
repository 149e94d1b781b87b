import type { Clock } from "./ports/clock.js";
import type { Sessions } from "./sessions.js";

/** However far away what is due next is: the wall clock may be set, and what failed is tried again. */
const longestPauseMs = 15_000;
const shortestPauseMs = 10;

/** Ends sessions whose time is over and pauses idle ones, driven by the record: after a restart and a clock that was set, too. */
export class Reaper {
  readonly #sessions: Sessions;
  readonly #clock: Clock;
  /** When it looks next; undefined before the first look and while it looks. */
  #wakesAtMs: number | undefined;
  #callOff: (() => void) | undefined;
  #state: "new" | "running" | "stopped" = "new";

  constructor(sessions: Sessions, clock: Clock) {
    this.#sessions = sessions;
    this.#clock = clock;
    sessions.onNewDue((at) => this.#wakeBy(at.getTime()));
  }

  /** Looks once, and from then on by itself. */
  async tick(): Promise<void> {
    if (this.#state === "stopped") return;
    this.#state = "running";
    this.#callOff?.();
    this.#wakesAtMs = undefined;
    const next = await this.#sessions.attendDue();
    const latest = this.#clock.now().getTime() + longestPauseMs;
    this.#wakeBy(Math.min(next?.getTime() ?? latest, latest));
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
