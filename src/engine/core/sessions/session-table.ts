import { TenkiError } from "../../../domain/error.js";
import type { Logger } from "../../../lib/logger.js";
import { ActivityLog } from "./activity-log.js";
import type { Clock } from "../ports/clock.js";
import type { PageRequest, SessionFilter, SessionPage, SessionRecord, Store } from "../ports/store.js";
import { nextState, type SessionEvent } from "./session-states.js";
import { SessionWatchers } from "./session-watchers.js";

export interface SessionTableOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told of each change of a state, after the record knows. */
  readonly onMove?: ((record: SessionRecord) => void) | undefined;
}

export type SessionChanges = Partial<Omit<SessionRecord, "id" | "state">>;

/** What is known of every session at this moment, and who is told when a state changes. */
export class SessionTable {
  readonly #options: SessionTableOptions;
  readonly #watchers = new SessionWatchers();
  readonly #activity: ActivityLog;

  constructor(options: SessionTableOptions) {
    this.#options = options;
    this.#activity = new ActivityLog(options.clock, (id, at) => this.#writeActivity(id, at));
  }

  insert(record: SessionRecord): void {
    this.#options.store.insertSession(record);
  }

  /** As the record has it, whatever its state; an unknown id is `not_found`. */
  get(id: string): SessionRecord {
    const record = this.#options.store.getSession(id);
    if (record === undefined) throw new TenkiError("not_found", `session not found: ${id}`);
    return this.#activity.apply(record);
  }

  list(filter: SessionFilter, page: PageRequest): SessionPage {
    const { sessions, next } = this.#options.store.listSessions(filter, page);
    return { sessions: sessions.map((record) => this.#activity.apply(record)), next };
  }

  /** All that have not come to their end. */
  live(): readonly SessionRecord[] {
    return this.#options.store.liveSessions().map((record) => this.#activity.apply(record));
  }

  change(id: string, changes: SessionChanges): SessionRecord {
    const record = { ...this.get(id), ...changes };
    this.#options.store.updateSession(record);
    return record;
  }

  /** The one way to another state; who watches is told after the record knows. */
  move(id: string, event: SessionEvent, changes: SessionChanges = {}): SessionRecord {
    const before = this.get(id);
    const record = { ...before, ...changes, state: nextState(before.state, event) };
    this.#options.store.updateSession(record);
    this.#options.log.info("session", { session: id, from: before.state, to: record.state });
    this.#watchers.notify(record);
    this.#options.onMove?.(record);
    return record;
  }

  /** Each session as it is after every change of its state, the present one first. */
  watch(id: string, signal: AbortSignal): AsyncIterable<SessionRecord> {
    this.get(id);
    return this.#watchers.watch(id, () => this.get(id), signal);
  }

  /** It is used now. */
  touch(id: string): Date {
    return this.#activity.touch(id);
  }

  /** Writes what is kept in memory only. */
  flush(): void {
    this.#activity.flush();
  }

  logFailure(id: string, error: unknown): void {
    this.#options.log.error("a session could not be changed", { session: id, error: messageOf(error) });
  }

  #writeActivity(id: string, lastActivityAt: Date): void {
    try {
      const record = this.#options.store.getSession(id);
      if (record !== undefined) this.#options.store.updateSession({ ...record, lastActivityAt });
    } catch (error) {
      this.logFailure(id, error);
      throw error;
    }
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
