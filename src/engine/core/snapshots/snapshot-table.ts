import { TenkiError } from "../../../domain/error.js";
import type { Snapshot } from "../../../domain/snapshot.js";
import { pauseSnapshotOf } from "./pause-snapshot.js";
import type { SnapshotFilter, SnapshotRecord, SnapshotStore } from "../ports/snapshot-store.js";
import type { PageRequest, SessionCursor, SessionRecord, Store } from "../ports/store.js";
import type { RestoreSource } from "../sessions/restored-session.js";
import { nextSnapshotState, notReady, type SnapshotEvent } from "./snapshot-states.js";

export type SnapshotChanges = Partial<Omit<SnapshotRecord, "id" | "state">>;

/** What is known of snapshots: those that were asked for, and the disks of paused sessions. */
export class SnapshotTable {
  readonly store: SnapshotStore;
  readonly #sessions: Pick<Store, "liveSessions">;

  constructor(store: SnapshotStore, sessions: Pick<Store, "liveSessions">) {
    this.store = store;
    this.#sessions = sessions;
  }

  /** Of either kind; an unknown id is `not_found`. */
  get(id: string): Snapshot {
    const record = this.store.getSnapshot(id);
    if (record !== undefined) return describe(record);
    const paused = this.pausedWith(id);
    const snapshot = paused && pauseSnapshotOf(paused);
    return snapshot ?? this.#missing(id);
  }

  /** One that was asked for, for it to be changed; that of a paused session is its session's. */
  own(id: string): SnapshotRecord {
    const record = this.store.getSnapshot(id);
    if (record !== undefined) return record;
    const { sessionId } = this.get(id);
    throw new TenkiError(
      "failed_precondition",
      `snapshot ${id} is the disk of a paused session: it goes when session ${sessionId} is resumed, or ends`,
      { hint: `tenki sandbox resume ${sessionId}` },
    );
  }

  /** What a session that is made of it goes on with. */
  source(id: string): RestoreSource {
    const record = this.store.getSnapshot(id);
    if (record !== undefined) return { ...record, image: record.baseImageId };
    return this.pausedWith(id) ?? this.#missing(id);
  }

  /** The session whose disk it is. */
  pausedWith(id: string): SessionRecord | undefined {
    return this.#sessions
      .liveSessions()
      .find((session) => session.pauseSnapshotId === id && session.state === "PAUSED");
  }

  list(
    filter: SnapshotFilter,
    page: PageRequest,
  ): { snapshots: Snapshot[]; next?: SessionCursor | undefined } {
    const { size, after } = page;
    const { snapshots, next } = this.store.listSnapshots(filter, page);
    const all = [...snapshots.map(describe), ...this.#ofPaused(filter, after)].sort(newestFirst);
    const shown = all.slice(0, size);
    const last = shown.at(-1);
    const more = last !== undefined && (next !== undefined || all.length > size);
    return { snapshots: shown, next: more ? cursorOf(last) : undefined };
  }

  change(id: string, changes: SnapshotChanges): Snapshot {
    const changed = { ...this.own(id), ...changes };
    this.store.updateSnapshot(changed);
    return describe(changed);
  }

  /** The one way to another state that is recorded. */
  move(id: string, event: Exclude<SnapshotEvent, "deleted">, changes: SnapshotChanges = {}): Snapshot {
    const before = this.own(id);
    const state = nextSnapshotState(before.state, event) as SnapshotRecord["state"];
    const moved = { ...before, ...changes, state };
    this.store.updateSnapshot(moved);
    return describe(moved);
  }

  #missing(id: string): never {
    const expiredAt = this.store.expiryOf(id);
    if (expiredAt === undefined) throw new TenkiError("not_found", `snapshot not found: ${id}`);
    throw new TenkiError("not_found", `snapshot not found: ${id} expired at ${expiredAt.toISOString()}`, {
      hint: "tenki sandbox snapshot list shows what there is, snapshot update --expires-at lets one stay longer",
    });
  }

  #ofPaused({ sessionId, dangling }: SnapshotFilter, after: SessionCursor | undefined): Snapshot[] {
    if (dangling === true) return [];
    return this.#sessions
      .liveSessions()
      .filter(({ id }) => sessionId === undefined || id === sessionId)
      .flatMap((session) => pauseSnapshotOf(session) ?? [])
      .filter((snapshot) => after === undefined || compare(cursorOf(snapshot), after) > 0);
  }
}

/** Without what only the engine needs. */
export function describe({ env: _env, isPromised: _isPromised, ...snapshot }: SnapshotRecord): Snapshot {
  return snapshot;
}

/** Refuses what nothing can be made of; says why. */
export function requireReady(snapshot: Snapshot, now: Date): void {
  if (snapshot.state !== "READY") {
    const why = snapshot.failureReason === undefined ? "" : `: ${snapshot.failureReason}`;
    throw new TenkiError("failed_precondition", `${notReady(snapshot.state)}${why}`);
  }
  if (snapshot.expiresAt !== undefined && snapshot.expiresAt <= now) {
    const at = snapshot.expiresAt.toISOString();
    throw new TenkiError("failed_precondition", `snapshot has expired: ${snapshot.id}, at ${at}`);
  }
}

const cursorOf = ({ createdAt, id }: Snapshot): SessionCursor => ({
  createdAtMs: createdAt?.getTime() ?? 0,
  id,
});

/** More than 0 where `a` comes after `b` in a list. */
const compare = (a: SessionCursor, b: SessionCursor): number =>
  b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);

const newestFirst = (a: Snapshot, b: Snapshot): number => compare(cursorOf(a), cursorOf(b));
