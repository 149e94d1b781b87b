import { closeSync, fchmodSync, openSync } from "node:fs";
import { DatabaseSync, type DatabaseSyncInstance, type StatementSyncInstance } from "@photostructure/sqlite";
import { TenkiError } from "../../domain/error.js";
import { DiskReserve } from "./disk-reserve.js";
import { migrations } from "./schema.js";

export type SqlValues = Record<string, string | number>;

/** The record's file: statements are made once, and failures said in words. */
export class SqliteDatabase {
  readonly #database: DatabaseSyncInstance;
  readonly #path: string;
  readonly #reserve: DiskReserve;
  readonly #statements = new Map<string, StatementSyncInstance>();

  /** Makes or migrates it; what is acknowledged survives a loss of power. */
  static open(path: string): SqliteDatabase {
    return storing(path, () => {
      makePrivate(path);
      const database = new DatabaseSync(path);
      try {
        database.exec("PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
        migrate(database, path);
      } catch (error) {
        database.close();
        throw error;
      }
      return new SqliteDatabase(database, path);
    });
  }

  private constructor(database: DatabaseSyncInstance, path: string) {
    this.#database = database;
    this.#path = path;
    this.#reserve = new DiskReserve(`${path}-reserve`);
    this.#reserve.hold();
  }

  /** How many rows it changed. */
  run(sql: string, values: SqlValues): number {
    return storing(this.#path, () => {
      try {
        return this.#prepare(sql).run(values).changes;
      } catch (error) {
        if (!isFull(error) || !this.#reserve.giveUp()) throw error;
        return this.#prepare(sql).run(values).changes;
      }
    });
  }

  all<Row>(sql: string, values: SqlValues): Row[] {
    return storing(this.#path, () => this.#prepare(sql).all(values)) as Row[];
  }

  close(): void {
    this.#reserve.close();
    this.#database.close();
  }

  #prepare(sql: string): StatementSyncInstance {
    const statement = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function migrate(database: DatabaseSyncInstance, path: string): void {
  const row = database.prepare("PRAGMA user_version").get() as unknown as { user_version: number };
  if (row.user_version > migrations.length) {
    throw new TenkiError("failed_precondition", `${path} was written by a newer tenki`, {
      hint: "use that version, or another data directory",
    });
  }
  for (const [index, migration] of [...migrations.entries()].slice(row.user_version)) {
    database.exec(`BEGIN; ${migration}; PRAGMA user_version = ${index + 1}; COMMIT;`);
  }
}

/** Nobody else's from the first moment on; SQLite gives the files beside it the same mode. */
function makePrivate(path: string): void {
  const file = openSync(path, "a", 0o600);
  try {
    fchmodSync(file, 0o600);
  } finally {
    closeSync(file);
  }
}

/** Says in words what SQLite says in codes. */
function storing<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof TenkiError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    const { sqliteCode } = cause as SqliteError;
    if (isFull(cause)) {
      throw new TenkiError("resource_exhausted", `no space left to write ${path}`, {
        cause,
        hint: "free some space on that disk",
      });
    }
    if (sqliteCode === sqliteCorrupt || sqliteCode === sqliteNotADatabase) {
      throw new TenkiError("data_loss", `${path} is damaged: ${message}`, {
        cause,
        hint: "move it away to begin with an empty record",
      });
    }
    throw new TenkiError("internal", `cannot use ${path}: ${message}`, { cause });
  }
}

interface SqliteError {
  readonly sqliteCode?: number;
  readonly code?: string;
}

function isFull(error: unknown): boolean {
  const { sqliteCode, code } = error as SqliteError;
  return sqliteCode === sqliteFull || code === "ENOSPC";
}

/** SQLite's result codes. */
const sqliteCorrupt = 11;
const sqliteFull = 13;
const sqliteNotADatabase = 26;
