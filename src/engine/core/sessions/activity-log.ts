import { activityWriteMs } from "../workspace/limits.js";
import type { Clock } from "../ports/clock.js";
import type { SessionRecord } from "../ports/store.js";

/**
 * When each session was last used: always true in memory, and in the record a few seconds later, so that
 * no command waits for the disk because of it. A crash costs those seconds.
 */
export class ActivityLog {
  readonly #unwritten = new Map<string, Date>();
  readonly #clock: Clock;
  readonly #write: (id: string, at: Date) => void;
  #callOff: (() => void) | undefined;

  /** `write` may throw: it is tried again with the next activity. */
  constructor(clock: Clock, write: (id: string, at: Date) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  touch(id: string): Date {
    const at = this.#clock.now();
    this.#unwritten.set(id, at);
    this.#callOff ??= this.#clock.after(activityWriteMs, () => this.flush());
    return at;
  }

  /** The record with what is known better here. */
  apply(record: SessionRecord): SessionRecord {
    const lastActivityAt = this.#unwritten.get(record.id);
    return lastActivityAt === undefined ? record : { ...record, lastActivityAt };
  }

  flush(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    for (const [id, at] of this.#unwritten) {
      try {
        this.#write(id, at);
        this.#unwritten.delete(id);
      } catch {
        return; // who needs the record for more than this is told by the store
      }
    }
  }
}
