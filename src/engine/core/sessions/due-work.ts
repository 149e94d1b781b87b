import type { KeyedMutex } from "../../../lib/keyed-mutex.js";
import { type Due, type DueFacts, nextDueMs, overtime, whatIsDue } from "./due.js";
import type { Clock } from "../ports/clock.js";
import type { SessionRecord } from "../ports/store.js";
import type { SessionBoots } from "./session-boots.js";
import type { SessionTable } from "./session-table.js";
import type { SessionUse } from "./session-use.js";

export interface DueWorkOptions {
  readonly table: SessionTable;
  readonly clock: Clock;
  readonly turns: KeyedMutex;
  readonly use: SessionUse;
  readonly boots: SessionBoots;
  /** How each is done; called in the session's turn. */
  readonly ways: {
    readonly end: (id: string, why: string) => Promise<unknown>;
    readonly pause: (id: string) => Promise<unknown>;
    readonly settle: (id: string) => Promise<unknown>;
  };
}

/** Does with sessions what is due, though nobody asks for it. */
export class DueWork {
  readonly #options: DueWorkOptions;
  /** Being attended to, so that no second attempt queues up behind a slow one. */
  readonly #attended = new Set<string>();
  readonly #pauseFailedAt = new Map<string, Date>();

  constructor(options: DueWorkOptions) {
    this.#options = options;
  }

  /** Begins what is due now; returns when to look next. */
  begin(): Date | undefined {
    const { table, clock, use } = this.#options;
    const now = clock.now();
    const live = table.live();
    for (const record of live) {
      // What is busy is in use now: this is what counts when the engine is lost in the middle of it.
      if (record.state === "RUNNING" && use.isBusy(record.id)) table.touch(record.id);
      if (this.#whatIsDue(record) !== undefined) void this.#attend(record.id);
    }
    this.#forgetAllBut(live);
    const next = Math.min(...live.map((record) => nextDueMs(record, this.#facts(record.id), now)));
    return Number.isFinite(next) ? new Date(next) : undefined;
  }

  async #attend(id: string): Promise<void> {
    const { table, turns, boots } = this.#options;
    if (this.#attended.has(id)) return;
    this.#attended.add(id);
    try {
      if (this.#whatIsDue(table.get(id))?.action === "end") boots.callOff(id, overtime);
      await turns.run(id, async () => {
        // It may have been given more time, or used, while this waited for its turn.
        const due = this.#whatIsDue(table.get(id));
        if (due !== undefined) await this.#do(id, due);
      });
    } catch (error) {
      table.logFailure(id, error);
    } finally {
      this.#attended.delete(id);
    }
  }

  async #do(id: string, due: Due): Promise<void> {
    const { ways, clock } = this.#options;
    if (due.action === "end") await ways.end(id, due.why);
    else if (due.action === "settle") await ways.settle(id);
    else {
      this.#pauseFailedAt.set(id, clock.now()); // tried again when it was idle for as long again
      await ways.pause(id);
      this.#pauseFailedAt.delete(id);
    }
  }

  #forgetAllBut(live: readonly SessionRecord[]): void {
    const ids = new Set(live.map(({ id }) => id));
    for (const id of this.#pauseFailedAt.keys()) if (!ids.has(id)) this.#pauseFailedAt.delete(id);
  }

  #whatIsDue(record: SessionRecord): Due | undefined {
    return whatIsDue(record, this.#facts(record.id), this.#options.clock.now());
  }

  #facts(id: string): DueFacts {
    const { boots, use } = this.#options;
    return {
      booting: boots.isBooting(id),
      busy: use.isBusy(id),
      pauseFailedAt: this.#pauseFailedAt.get(id),
    };
  }
}
