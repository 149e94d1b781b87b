import type { Clock } from "../ports/clock.js";

/** Requests come close together: a session stays busy for so long after each. */
const lingerMs = 1_000;

interface Burst {
  count: number;
  callOff: (() => void) | undefined;
  readonly letGo: () => void;
}

/** Holds sessions busy while something passes, at the cost of one hold for many requests. */
export class Traffic {
  readonly #hold: (sessionId: string) => () => void;
  readonly #clock: Clock;
  readonly #bursts = new Map<string, Burst>();

  constructor(hold: (sessionId: string) => () => void, clock: Clock) {
    this.#hold = hold;
    this.#clock = clock;
  }

  /** The returned function says that it is over; again for nothing. */
  begin(sessionId: string): () => void {
    const burst = this.#burst(sessionId);
    burst.count += 1;
    burst.callOff?.();
    burst.callOff = undefined;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      burst.count -= 1;
      if (burst.count === 0) burst.callOff = this.#clock.after(lingerMs, () => this.#end(sessionId));
    };
  }

  touch(sessionId: string): void {
    if (!this.#bursts.has(sessionId)) this.begin(sessionId)();
  }

  #burst(sessionId: string): Burst {
    const known = this.#bursts.get(sessionId);
    if (known !== undefined) return known;
    const burst: Burst = { count: 0, callOff: undefined, letGo: this.#hold(sessionId) };
    this.#bursts.set(sessionId, burst);
    return burst;
  }

  #end(sessionId: string): void {
    this.#bursts.get(sessionId)?.letGo();
    this.#bursts.delete(sessionId);
  }
}
