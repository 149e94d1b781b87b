import type { ArtifactRecord, ArtifactStore } from "../core/ports/artifact-store.js";
import { reviveDates } from "./revive-dates.js";
import type { SqliteDatabase } from "./sqlite-database.js";

const dateFields = new Set(["createdAt"]);

/** Artifacts in the record's file; a trigger takes a session's away when it ends. */
export class SqliteArtifacts implements ArtifactStore {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  insertArtifact(artifact: ArtifactRecord): void {
    const values = { id: artifact.id, session: artifact.sessionId, record: JSON.stringify(artifact) };
    this.#database.run("INSERT INTO artifacts VALUES (:id, :session, :record)", values);
  }

  getArtifact(id: string): ArtifactRecord | undefined {
    const query = "SELECT record FROM artifacts WHERE id = :id";
    const [row] = this.#database.all<{ record: string }>(query, { id });
    return row && (reviveDates(row.record, dateFields) as unknown as ArtifactRecord);
  }

  countArtifacts(sessionId: string): number {
    const query = "SELECT count(*) AS count FROM artifacts WHERE session_id = :session";
    return this.#database.all<{ count: number }>(query, { session: sessionId })[0]?.count ?? 0;
  }
}
