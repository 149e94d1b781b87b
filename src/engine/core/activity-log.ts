import { activityWriteMs } from "./limits.js";
import type { Clock } from "./ports/clock.js";
import type { SessionRecord } from "./ports/store.js";

/** When each session was last used: always true in memory, and written to the record now and then. */
export class ActivityLog {
  readonly #seen = new Map<string, { at: Date; writtenMs: number }>();
  readonly #clock: Clock;
  readonly #write: (id: string, at: Date) => void;

  constructor(clock: Clock, write: (id: string, at: Date) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  touch(id: string): Date {
    const at = this.#clock.now();
    const writtenMs = this.#seen.get(id)?.writtenMs ?? 0;
    const due = at.getTime() - writtenMs >= activityWriteMs;
    this.#seen.set(id, { at, writtenMs: due ? at.getTime() : writtenMs });
    if (due) this.#write(id, at);
    return at;
  }

  /** The record with what is known better here. */
  apply(record: SessionRecord): SessionRecord {
    if (record.state === "TERMINATED") this.#seen.delete(record.id);
    const seen = this.#seen.get(record.id)?.at;
    return seen === undefined || (record.lastActivityAt && record.lastActivityAt >= seen)
      ? record
      : { ...record, lastActivityAt: seen };
  }

  flush(): void {
    for (const [id, { at, writtenMs }] of this.#seen) if (at.getTime() > writtenMs) this.#write(id, at);
  }
}
