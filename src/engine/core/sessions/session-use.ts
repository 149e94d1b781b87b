import { TenkiError } from "../../../domain/error.js";
import type { Clock } from "../ports/clock.js";
import type { SessionRecord } from "../ports/store.js";
import { wrongState } from "./session-states.js";
import type { SessionTable } from "./session-table.js";
import { UseCount } from "../use-count.js";

/** What goes on in sessions at this moment: what keeps them from being idle, and what a pause waits for. */
export class SessionUse {
  readonly #table: SessionTable;
  readonly #clock: Clock;
  /** Whatever makes a session busy. */
  readonly #holds = new UseCount();
  /** Calls that have begun and are not answered. */
  readonly #calls = new UseCount();

  constructor(table: SessionTable, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  /** The session, if a command can run in it now. */
  requireRunning(id: string): SessionRecord {
    const record = this.#table.get(id);
    if (record.state !== "RUNNING") throw new TenkiError("failed_precondition", wrongState(record.state));
    return record;
  }

  /** It is busy until the returned function is called, again for nothing. */
  hold(id: string): () => void {
    this.#touchIfRunning(id);
    const end = this.#holds.begin(id);
    return () => {
      if (end()) this.#touchIfRunning(id);
    };
  }

  /** It runs, is busy, and a pause waits for `leave`. */
  enter(id: string): { readonly session: SessionRecord; readonly leave: () => void } {
    const session = this.requireRunning(id);
    const letGo = this.hold(id);
    const end = this.#calls.begin(id);
    const leave = () => {
      end();
      letGo();
    };
    return { session, leave };
  }

  isBusy(id: string): boolean {
    return this.#holds.of(id) > 0;
  }

  /** Until no call is under way, or the time is up. */
  async untilCallsEnd(id: string, graceMs: number): Promise<void> {
    if (this.#calls.of(id) === 0) return;
    let callOff: () => void = () => undefined;
    const grace = new Promise<void>((resolve) => (callOff = this.#clock.after(graceMs, resolve)));
    await Promise.race([this.#calls.untilNone(id), grace]);
    callOff();
  }

  /** What stands still, or has ended, is not used. */
  #touchIfRunning(id: string): void {
    if (this.#table.get(id).state === "RUNNING") this.#table.touch(id);
  }
}
