import { TenkiError } from "../../domain/error.js";
import type {
  ExecutionFilter,
  ExecutionPage,
  ExecutionRecord,
  ExecutionStore,
} from "../core/ports/execution-store.js";
import type { PageRequest } from "../core/ports/store.js";
import { reviveDates } from "./revive-dates.js";
import type { SqlValues, SqliteDatabase } from "./sqlite-database.js";

const dateFields = new Set(["startedAt", "endedAt"]);

interface Row {
  readonly record: string;
}

const fromRow = ({ record }: Row) => reviveDates(record, dateFields) as unknown as ExecutionRecord;

const toValues = (execution: ExecutionRecord): SqlValues => ({
  id: execution.id,
  session_id: execution.sessionId,
  started_ms: execution.startedAt.getTime(),
  state: execution.state,
  record: JSON.stringify(execution),
});

const newestFirst = "ORDER BY started_ms DESC, id DESC";

/** Executions in the record's file. */
export class SqliteExecutions implements ExecutionStore {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  insertExecution(execution: ExecutionRecord): void {
    const sql =
      "INSERT INTO executions VALUES (:id, :session_id, :started_ms, :state, :record) ON CONFLICT (id) DO NOTHING";
    if (this.#database.run(sql, toValues(execution)) > 0) return;
    throw new TenkiError("already_exists", `execution ${execution.id} is recorded already`);
  }

  updateExecution(execution: ExecutionRecord): void {
    const { id, state, record } = toValues(execution);
    const sql = "UPDATE executions SET state = :state, record = :record WHERE id = :id";
    if (this.#database.run(sql, { id, state, record } as SqlValues) > 0) return;
    throw new TenkiError("not_found", `execution not found: ${execution.id}`);
  }

  getExecution(id: string): ExecutionRecord | undefined {
    return this.#select("WHERE id = :id", { id })[0];
  }

  listExecutions(filter: ExecutionFilter, page: PageRequest): ExecutionPage {
    const { where, values } = conditions(filter, page);
    const found = this.#select(`${where} ${newestFirst} LIMIT :limit`, { ...values, limit: page.size + 1 });
    const executions = found.slice(0, page.size);
    const last = executions.at(-1);
    const more = found.length > page.size && last !== undefined;
    return { executions, next: more ? { createdAtMs: last.startedAt.getTime(), id: last.id } : undefined };
  }

  runningExecutions(): readonly ExecutionRecord[] {
    return this.#select(`WHERE state = 'RUNNING' ${newestFirst}`, {});
  }

  countRunning(sessionId: string): number {
    const sql = "SELECT count(*) AS n FROM executions WHERE session_id = :session AND state = 'RUNNING'";
    return this.#database.all<{ n: number }>(sql, { session: sessionId })[0]?.n ?? 0;
  }

  endedExecutions(sessionId: string): readonly ExecutionRecord[] {
    const where = "WHERE state <> 'RUNNING' AND session_id = :session";
    return this.#select(`${where} ${newestFirst}`, { session: sessionId });
  }

  sessionsWithExecutions(): readonly string[] {
    const rows = this.#database.all<{ session_id: string }>("SELECT DISTINCT session_id FROM executions", {});
    return rows.map(({ session_id: id }) => id);
  }

  executionIds(): readonly string[] {
    return this.#database.all<{ id: string }>("SELECT id FROM executions", {}).map(({ id }) => id);
  }

  deleteExecution(id: string): void {
    this.#database.run("DELETE FROM executions WHERE id = :id", { id });
  }

  #select(rest: string, values: SqlValues): ExecutionRecord[] {
    return this.#database.all<Row>(`SELECT record FROM executions ${rest}`, values).map(fromRow);
  }
}

function conditions({ sessionId, runningOnly }: ExecutionFilter, { after }: PageRequest) {
  const clauses = [
    ...(sessionId === undefined ? [] : ["session_id = :session"]),
    ...(runningOnly ? ["state = 'RUNNING'"] : []),
    ...(after === undefined ? [] : ["(started_ms, id) < (:beforeMs, :beforeId)"]),
  ];
  const values: SqlValues = {
    ...(sessionId === undefined ? {} : { session: sessionId }),
    ...(after === undefined ? {} : { beforeMs: after.createdAtMs, beforeId: after.id }),
  };
  return { where: clauses.length === 0 ? "" : `WHERE ${clauses.join(" AND ")}`, values };
}
