import type { Snapshot, SnapshotDurability } from "../../../domain/snapshot.js";
import type { PageRequest, SessionCursor } from "./store.js";

/** A snapshot as the record keeps it. That of a paused session is its disk, and in the session's own record. */
export interface SnapshotRecord extends Omit<Snapshot, "state" | "durability" | "createdAt"> {
  readonly state: "CREATING" | "READY" | "FAILED" | "DELETING";
  readonly durability?: SnapshotDurability | undefined;
  readonly createdAt: Date;
  /** Its caller did not wait for it, and knows its id: it is not forgotten where it cannot be taken. */
  readonly isPromised: boolean;
  /** The names that variables of its session go by, with their values: never shown, and those of sessions made of it. */
  readonly env: Readonly<Record<string, string>>;
}

export interface SnapshotFilter {
  readonly sessionId?: string | undefined;
  /** Only those whose session is over. */
  readonly dangling?: boolean | undefined;
}

export interface SnapshotPage {
  readonly snapshots: readonly SnapshotRecord[];
  readonly next?: SessionCursor | undefined;
}

/** Of how many that expired it is known when; of the newest. */
export const expiriesKept = 1_000;

/** The record of snapshots; durable when a call returns. */
export interface SnapshotStore {
  insertSnapshot(snapshot: SnapshotRecord): void;
  /** Replaces it as a whole; an id that is not there is `not_found`. */
  updateSnapshot(snapshot: SnapshotRecord): void;
  getSnapshot(id: string): SnapshotRecord | undefined;
  /** Newest first, whatever their state. */
  listSnapshots(filter: SnapshotFilter, page: PageRequest): SnapshotPage;
  allSnapshots(): readonly SnapshotRecord[];
  /** Idempotent. */
  deleteSnapshot(id: string): void;
  /** For who asks for it when it is gone. Idempotent. */
  noteExpiry(id: string, expiredAt: Date): void;
  expiryOf(id: string): Date | undefined;
}
