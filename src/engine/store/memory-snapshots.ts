import { TenkiError } from "../../domain/error.js";
import {
  expiriesKept,
  type SnapshotFilter,
  type SnapshotPage,
  type SnapshotRecord,
  type SnapshotStore,
} from "../core/ports/snapshot-store.js";
import type { PageRequest } from "../core/ports/store.js";

/** Snapshots that are gone with their process. */
export class MemorySnapshots implements SnapshotStore {
  readonly #snapshots = new Map<string, SnapshotRecord>();
  readonly #expiries = new Map<string, Date>();
  readonly #isLive: (sessionId: string) => boolean;

  constructor(isLive: (sessionId: string) => boolean) {
    this.#isLive = isLive;
  }

  insertSnapshot(snapshot: SnapshotRecord): void {
    this.#snapshots.set(snapshot.id, snapshot);
  }

  updateSnapshot(snapshot: SnapshotRecord): void {
    if (!this.#snapshots.has(snapshot.id))
      throw new TenkiError("not_found", `snapshot not found: ${snapshot.id}`);
    this.#snapshots.set(snapshot.id, snapshot);
  }

  getSnapshot(id: string): SnapshotRecord | undefined {
    return this.#snapshots.get(id);
  }

  listSnapshots({ sessionId, dangling }: SnapshotFilter, { size, after }: PageRequest): SnapshotPage {
    const shown = this.allSnapshots().filter(
      (snapshot) =>
        (sessionId === undefined || snapshot.sessionId === sessionId) &&
        (dangling !== true || !this.#isLive(snapshot.sessionId)) &&
        (after === undefined ||
          snapshot.createdAt.getTime() < after.createdAtMs ||
          (snapshot.createdAt.getTime() === after.createdAtMs && snapshot.id < after.id)),
    );
    const snapshots = shown.slice(0, size);
    const last = snapshots.at(-1);
    const more = shown.length > size && last !== undefined;
    return { snapshots, next: more ? { createdAtMs: last.createdAt.getTime(), id: last.id } : undefined };
  }

  allSnapshots(): readonly SnapshotRecord[] {
    const age = (a: SnapshotRecord, b: SnapshotRecord) => b.createdAt.getTime() - a.createdAt.getTime();
    return [...this.#snapshots.values()].sort((a, b) => age(a, b) || (a.id < b.id ? 1 : -1));
  }

  deleteSnapshot(id: string): void {
    this.#snapshots.delete(id);
  }

  noteExpiry(id: string, expiredAt: Date): void {
    this.#expiries.set(id, expiredAt);
    const newest = [...this.#expiries].sort(([, a], [, b]) => b.getTime() - a.getTime());
    for (const [older] of newest.slice(expiriesKept)) this.#expiries.delete(older);
  }

  expiryOf(id: string): Date | undefined {
    return this.#expiries.get(id);
  }
}
