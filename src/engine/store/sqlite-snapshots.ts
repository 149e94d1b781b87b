import { TenkiError } from "../../domain/error.js";
import {
  expiriesKept,
  type SnapshotFilter,
  type SnapshotPage,
  type SnapshotRecord,
  type SnapshotStore,
} from "../core/ports/snapshot-store.js";
import type { PageRequest } from "../core/ports/store.js";
import { reviveDates } from "./revive-dates.js";
import type { SqlValues, SqliteDatabase } from "./sqlite-database.js";

const dateFields = new Set(["createdAt", "expiresAt", "localReadyAt"]);

const toValues = (snapshot: SnapshotRecord): SqlValues => ({
  id: snapshot.id,
  session_id: snapshot.sessionId,
  created_ms: snapshot.createdAt.getTime(),
  record: JSON.stringify(snapshot),
});

const newestFirst = "ORDER BY created_ms DESC, id DESC";
const isOver =
  "NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.id = session_id AND sessions.state <> 'TERMINATED')";

/** Snapshots in the record's file. */
export class SqliteSnapshots implements SnapshotStore {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  insertSnapshot(snapshot: SnapshotRecord): void {
    const sql = "INSERT INTO snapshots VALUES (:id, :session_id, :created_ms, :record)";
    this.#database.run(sql, toValues(snapshot));
  }

  updateSnapshot(snapshot: SnapshotRecord): void {
    const set = "session_id = :session_id, created_ms = :created_ms, record = :record";
    const changes = this.#database.run(`UPDATE snapshots SET ${set} WHERE id = :id`, toValues(snapshot));
    if (changes === 0) throw new TenkiError("not_found", `snapshot not found: ${snapshot.id}`);
  }

  getSnapshot(id: string): SnapshotRecord | undefined {
    return this.#select("WHERE id = :id", { id })[0];
  }

  listSnapshots({ sessionId, dangling }: SnapshotFilter, { size, after }: PageRequest): SnapshotPage {
    const clauses = [
      ...(sessionId === undefined ? [] : ["session_id = :session"]),
      ...(dangling === true ? [isOver] : []),
      ...(after === undefined ? [] : ["(created_ms, id) < (:beforeMs, :beforeId)"]),
    ];
    const where = clauses.length === 0 ? "" : `WHERE ${clauses.join(" AND ")}`;
    const found = this.#select(`${where} ${newestFirst} LIMIT :limit`, {
      ...(sessionId === undefined ? {} : { session: sessionId }),
      ...(after === undefined ? {} : { beforeMs: after.createdAtMs, beforeId: after.id }),
      limit: size + 1,
    });
    const snapshots = found.slice(0, size);
    const last = snapshots.at(-1);
    const more = found.length > size && last !== undefined;
    return { snapshots, next: more ? { createdAtMs: last.createdAt.getTime(), id: last.id } : undefined };
  }

  allSnapshots(): readonly SnapshotRecord[] {
    return this.#select(newestFirst, {});
  }

  deleteSnapshot(id: string): void {
    this.#database.run("DELETE FROM snapshots WHERE id = :id", { id });
  }

  noteExpiry(id: string, expiredAt: Date): void {
    const values = { id, expired_ms: expiredAt.getTime() };
    this.#database.run("INSERT OR REPLACE INTO expired_snapshots VALUES (:id, :expired_ms)", values);
    const older = `SELECT id FROM expired_snapshots ORDER BY expired_ms DESC, id DESC LIMIT -1 OFFSET ${expiriesKept}`;
    this.#database.run(`DELETE FROM expired_snapshots WHERE id IN (${older})`, {});
  }

  expiryOf(id: string): Date | undefined {
    const sql = "SELECT expired_ms FROM expired_snapshots WHERE id = :id";
    const [found] = this.#database.all<{ expired_ms: number }>(sql, { id });
    return found && new Date(found.expired_ms);
  }

  #select(rest: string, values: SqlValues): SnapshotRecord[] {
    return this.#database
      .all<{ record: string }>(`SELECT record FROM snapshots ${rest}`, values)
      .map(({ record }) => reviveDates(record, dateFields) as unknown as SnapshotRecord);
  }
}
