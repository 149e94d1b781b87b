import { TenkiError } from "../../domain/error.js";
import type {
  SnapshotFilter,
  SnapshotPage,
  SnapshotRecord,
  SnapshotStore,
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

  #select(rest: string, values: SqlValues): SnapshotRecord[] {
    return this.#database
      .all<{ record: string }>(`SELECT record FROM snapshots ${rest}`, values)
      .map(({ record }) => reviveDates(record, dateFields) as unknown as SnapshotRecord);
  }
}
