import { TenkiError } from "../../domain/error.js";
import type { PageRequest } from "../core/ports/store.js";
import type { VolumePage, VolumeRecord, VolumeStore } from "../core/ports/volume-store.js";
import { reviveDates } from "./revive-dates.js";
import type { SqlValues, SqliteDatabase } from "./sqlite-database.js";

const dateFields = new Set(["createdAt", "updatedAt"]);

const toValues = (volume: VolumeRecord): SqlValues => ({
  id: volume.id,
  created_ms: volume.createdAt.getTime(),
  state: volume.state,
  record: JSON.stringify(volume),
});

const newestFirst = "ORDER BY created_ms DESC, id DESC";

/** Volumes in the record's file. */
export class SqliteVolumes implements VolumeStore {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  insertVolume(volume: VolumeRecord): void {
    this.#database.run("INSERT INTO volumes VALUES (:id, :created_ms, :state, :record)", toValues(volume));
  }

  updateVolume(volume: VolumeRecord): void {
    const sql =
      "UPDATE volumes SET created_ms = :created_ms, state = :state, record = :record WHERE id = :id";
    if (this.#database.run(sql, toValues(volume)) > 0) return;
    throw new TenkiError("not_found", `volume not found: ${volume.id}`);
  }

  getVolume(id: string): VolumeRecord | undefined {
    return this.#select("WHERE id = :id", { id })[0];
  }

  listVolumes({ size, after }: PageRequest): VolumePage {
    const later = after === undefined ? "" : "AND (created_ms, id) < (:beforeMs, :beforeId)";
    const values = after === undefined ? {} : { beforeMs: after.createdAtMs, beforeId: after.id };
    const where = `WHERE state <> 'CREATING' ${later} ${newestFirst} LIMIT :limit`;
    const found = this.#select(where, { ...values, limit: size + 1 });
    const volumes = found.slice(0, size);
    const last = volumes.at(-1);
    const more = found.length > size && last !== undefined;
    return { volumes, next: more ? { createdAtMs: last.createdAt.getTime(), id: last.id } : undefined };
  }

  allVolumes(): readonly VolumeRecord[] {
    return this.#select(newestFirst, {});
  }

  deleteVolume(id: string): void {
    this.#database.run("DELETE FROM volumes WHERE id = :id", { id });
  }

  #select(rest: string, values: SqlValues): VolumeRecord[] {
    return this.#database
      .all<{ record: string }>(`SELECT record FROM volumes ${rest}`, values)
      .map(({ record }) => reviveDates(record, dateFields) as unknown as VolumeRecord);
  }
}
