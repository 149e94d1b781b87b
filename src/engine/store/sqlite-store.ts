import { TenkiError } from "../../domain/error.js";
import type { ArtifactStore } from "../core/ports/artifact-store.js";
import type { ExecutionStore } from "../core/ports/execution-store.js";
import type { SnapshotStore } from "../core/ports/snapshot-store.js";
import type { VolumeStore } from "../core/ports/volume-store.js";
import type { PreviewStore } from "../core/ports/preview-store.js";
import type { PageRequest, SessionFilter, SessionPage, SessionRecord, Store } from "../core/ports/store.js";
import { listQuery } from "./list-query.js";
import { fromRow, type SessionRow, toRow } from "./session-row.js";
import { SqliteArtifacts } from "./sqlite-artifacts.js";
import { SqliteDatabase } from "./sqlite-database.js";
import { SqliteExecutions } from "./sqlite-executions.js";
import { SqliteSnapshots } from "./sqlite-snapshots.js";
import { SqliteVolumes } from "./sqlite-volumes.js";
import { SqlitePreviews } from "./sqlite-previews.js";

/** Opens the record, making or migrating it; what is acknowledged survives a loss of power. */
export const openSqliteStore = (path: string): SqliteStore => new SqliteStore(SqliteDatabase.open(path));

const columns = [
  "id",
  "created_ms",
  "state",
  "owner_id",
  "workspace_id",
  "project_id",
  "sticky",
  "tags",
  "record",
];

export class SqliteStore implements Store {
  readonly executions: ExecutionStore;
  readonly artifacts: ArtifactStore;
  readonly volumes: VolumeStore;
  readonly previews: PreviewStore;
  readonly snapshots: SnapshotStore;
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
    this.executions = new SqliteExecutions(database);
    this.artifacts = new SqliteArtifacts(database);
    this.volumes = new SqliteVolumes(database);
    this.snapshots = new SqliteSnapshots(database);
    this.previews = new SqlitePreviews(database);
  }

  insertSession(session: SessionRecord): void {
    const named = columns.map((column) => `:${column}`);
    const changes = this.#database.run(
      `INSERT INTO sessions (${columns.join(", ")}) VALUES (${named.join(", ")}) ON CONFLICT (id) DO NOTHING`,
      { ...toRow(session) },
    );
    if (changes === 0) throw new TenkiError("already_exists", `session ${session.id} is recorded already`);
  }

  updateSession(session: SessionRecord): void {
    const set = columns.slice(1).map((column) => `${column} = :${column}`);
    const sql = `UPDATE sessions SET ${set.join(", ")} WHERE id = :id`;
    const changes = this.#database.run(sql, { ...toRow(session) });
    if (changes === 0) throw new TenkiError("not_found", `session not found: ${session.id}`);
  }

  getSession(id: string): SessionRecord | undefined {
    const [row] = this.#database.all<SessionRow>("SELECT record FROM sessions WHERE id = :id", { id });
    return row && fromRow(row);
  }

  listSessions(filter: SessionFilter, page: PageRequest): SessionPage {
    const { sql, values } = listQuery(filter, page);
    const sessions = this.#database.all<SessionRow>(sql, values).map(fromRow);
    const shown = sessions.slice(0, page.size);
    const last = shown.at(-1);
    const more = sessions.length > page.size && last !== undefined;
    return {
      sessions: shown,
      next: more ? { createdAtMs: last.createdAt.getTime(), id: last.id } : undefined,
    };
  }

  liveSessions(): readonly SessionRecord[] {
    const query = "SELECT record FROM sessions WHERE state <> 'TERMINATED' ORDER BY created_ms DESC, id DESC";
    return this.#database.all<SessionRow>(query, {}).map(fromRow);
  }

  getSetting(key: string): string | undefined {
    const query = "SELECT value FROM settings WHERE key = :key";
    return this.#database.all<{ value: string }>(query, { key })[0]?.value;
  }

  setSetting(key: string, value: string): void {
    const sql = "INSERT INTO settings VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = :value";
    this.#database.run(sql, { key, value });
  }

  close(): void {
    this.#database.close();
  }
}
