import { chmodSync } from "node:fs";
import { DatabaseSync, type DatabaseSyncInstance, type StatementSyncInstance } from "@photostructure/sqlite";
import { TenkiError } from "../../domain/error.js";
import type { PageRequest, SessionFilter, SessionPage, SessionRecord, Store } from "../core/ports/store.js";
import { migrations } from "./schema.js";
import { fromRow, type SessionRow, toRow } from "./session-row.js";

/** Opens the record, making or migrating it; what is acknowledged survives a loss of power. */
export function openSqliteStore(path: string): Store {
  return storing(path, () => {
    const database = new DatabaseSync(path);
    chmodSync(path, 0o600);
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;");
    migrate(database, path);
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
    this.#run(`INSERT INTO sessions (${columns.join(", ")}) VALUES (${named.join(", ")})`, {
      ...toRow(session),
    });
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
    const { where, values } = conditions(filter, page);
    const query = `SELECT record FROM sessions ${where} ORDER BY created_ms DESC, id DESC LIMIT :limit`;
    const sessions = this.#all(query, { ...values, limit: page.size + 1 }).map(fromRow);
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

  #run(sql: string, values: Record<string, string | number>) {
    return storing(this.#path, () => this.#prepare(sql).run(values));
  }

  #all(sql: string, values: Record<string, string | number>): SessionRow[] {
    return storing(this.#path, () => this.#prepare(sql).all(values)) as SessionRow[];
  }

  #prepare(sql: string): StatementSyncInstance {
    const statement = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function conditions(filter: SessionFilter, page: PageRequest) {
  const values: Record<string, string | number> = {};
  const clauses: string[] = [];
  const also = (clause: string, named: Record<string, string | number | undefined> = {}) => {
    if (Object.values(named).includes(undefined)) return;
    clauses.push(clause);
    Object.assign(values, named);
  };
  also("owner_id = :owner", { owner: filter.ownerId });
  also("workspace_id = :workspace", { workspace: filter.workspaceId });
  also("project_id = :project", { project: filter.projectId });
  also("sticky = :sticky", { sticky: filter.sticky === undefined ? undefined : Number(filter.sticky) });
  if (!filter.includeTerminated && !filter.states?.includes("TERMINATED")) also("state <> 'TERMINATED'");
  if (filter.states !== undefined)
    also("state IN (SELECT value FROM json_each(:states))", { states: JSON.stringify(filter.states) });
  for (const [index, tag] of filter.tags.entries()) {
    also(`EXISTS (SELECT 1 FROM json_each(tags) WHERE value = :tag${index})`, { [`tag${index}`]: tag });
  }
  also("(created_ms, id) < (:beforeMs, :beforeId)", {
    beforeMs: page.after?.createdAtMs,
    beforeId: page.after?.id,
  });
  return { where: clauses.length === 0 ? "" : `WHERE ${clauses.join(" AND ")}`, values };
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

/** Says in words what SQLite says in codes. */
function storing<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof TenkiError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    if (/full/i.test(message)) {
      throw new TenkiError("resource_exhausted", `no space left to write ${path}`, {
        cause,
        hint: "free some space on that disk",
      });
    }
    if (/not a database|malformed/i.test(message)) {
      throw new TenkiError("data_loss", `${path} is damaged: ${message}`, {
        cause,
        hint: "move it away to begin with an empty record",
      });
    }
    throw new TenkiError("internal", `cannot use ${path}: ${message}`, { cause });
  }
}
