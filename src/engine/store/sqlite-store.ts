import { closeSync, fchmodSync, openSync } from "node:fs";
import { DatabaseSync, type DatabaseSyncInstance, type StatementSyncInstance } from "@photostructure/sqlite";
import { TenkiError } from "../../domain/error.js";
import type { PageRequest, SessionFilter, SessionPage, SessionRecord, Store } from "../core/ports/store.js";
import { listQuery, type SqlValues } from "./list-query.js";
import { migrations } from "./schema.js";
import { fromRow, type SessionRow, toRow } from "./session-row.js";

/** Opens the record, making or migrating it; what is acknowledged survives a loss of power. */
export function openSqliteStore(path: string): Store {
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
    return new SqliteStore(database, path);
  });
}

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

class SqliteStore implements Store {
  readonly #database: DatabaseSyncInstance;
  readonly #path: string;
  readonly #statements = new Map<string, StatementSyncInstance>();

  constructor(database: DatabaseSyncInstance, path: string) {
    this.#database = database;
    this.#path = path;
  }

  insertSession(session: SessionRecord): void {
    const named = columns.map((column) => `:${column}`);
    const { changes } = this.#run(
      `INSERT INTO sessions (${columns.join(", ")}) VALUES (${named.join(", ")}) ON CONFLICT (id) DO NOTHING`,
      { ...toRow(session) },
    );
    if (changes === 0) throw new TenkiError("already_exists", `session ${session.id} is recorded already`);
  }

  updateSession(session: SessionRecord): void {
    const set = columns.slice(1).map((column) => `${column} = :${column}`);
    const { changes } = this.#run(`UPDATE sessions SET ${set.join(", ")} WHERE id = :id`, {
      ...toRow(session),
    });
    if (changes === 0) throw new TenkiError("not_found", `session not found: ${session.id}`);
  }

  getSession(id: string): SessionRecord | undefined {
    const [row] = this.#all("SELECT record FROM sessions WHERE id = :id", { id });
    return row && fromRow(row);
  }

  listSessions(filter: SessionFilter, page: PageRequest): SessionPage {
    const { sql, values } = listQuery(filter, page);
    const sessions = this.#all(sql, values).map(fromRow);
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
    return this.#all(query, {}).map(fromRow);
  }

  getSetting(key: string): string | undefined {
    const row = storing(this.#path, () =>
      this.#prepare("SELECT value FROM settings WHERE key = :key").get({ key }),
    );
    return (row as { value: string } | undefined)?.value;
  }

  setSetting(key: string, value: string): void {
    this.#run("INSERT INTO settings VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = :value", {
      key,
      value,
    });
  }

  close(): void {
    this.#database.close();
  }

  #run(sql: string, values: SqlValues) {
    return storing(this.#path, () => this.#prepare(sql).run(values));
  }

  #all(sql: string, values: SqlValues): SessionRow[] {
    return storing(this.#path, () => this.#prepare(sql).all(values)) as SessionRow[];
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
    const { sqliteCode, code } = cause as { sqliteCode?: number; code?: string };
    if (sqliteCode === sqliteFull || code === "ENOSPC") {
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

/** SQLite's result codes. */
const sqliteCorrupt = 11;
const sqliteFull = 13;
const sqliteNotADatabase = 26;
