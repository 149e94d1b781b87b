import type { PreviewRecord, PreviewStore } from "../core/ports/preview-store.js";
import { reviveDates } from "./revive-dates.js";
import type { SqliteDatabase } from "./sqlite-database.js";

const dateFields = new Set(["expiresAt", "createdAt", "updatedAt", "lastAccessedAt"]);

/** Previews in the record's file. */
export class SqlitePreviews implements PreviewStore {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  allPreviews(): readonly PreviewRecord[] {
    const rows = this.#database.all<{ record: string }>("SELECT record FROM previews", {});
    return rows.map(({ record }) => reviveDates(record, dateFields) as unknown as PreviewRecord);
  }

  putPreview(preview: PreviewRecord): void {
    const sql =
      "INSERT INTO previews VALUES (:id, :slug, :record) " +
      "ON CONFLICT (id) DO UPDATE SET slug = :slug, record = :record";
    this.#database.run(sql, { id: preview.id, slug: preview.slug, record: JSON.stringify(preview) });
  }

  deletePreview(id: string): void {
    this.#database.run("DELETE FROM previews WHERE id = :id", { id });
  }
}
