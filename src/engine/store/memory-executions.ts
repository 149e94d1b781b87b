import { TenkiError } from "../../domain/error.js";
import type {
  ExecutionFilter,
  ExecutionPage,
  ExecutionRecord,
  ExecutionStore,
} from "../core/ports/execution-store.js";
import type { PageRequest } from "../core/ports/store.js";

/** Executions that are forgotten with their process. */
export class MemoryExecutions implements ExecutionStore {
  readonly #executions = new Map<string, ExecutionRecord>();

  insertExecution(execution: ExecutionRecord): void {
    if (this.#executions.has(execution.id))
      throw new TenkiError("already_exists", `execution ${execution.id} is recorded already`);
    this.#executions.set(execution.id, execution);
  }

  updateExecution(execution: ExecutionRecord): void {
    if (!this.#executions.has(execution.id))
      throw new TenkiError("not_found", `execution not found: ${execution.id}`);
    this.#executions.set(execution.id, execution);
  }

  getExecution(id: string): ExecutionRecord | undefined {
    return this.#executions.get(id);
  }

  listExecutions({ sessionId, runningOnly }: ExecutionFilter, page: PageRequest): ExecutionPage {
    const matching = this.#newestFirst().filter(
      (execution) =>
        (sessionId === undefined || execution.sessionId === sessionId) &&
        (!runningOnly || execution.state === "RUNNING") &&
        isAfter(execution, page),
    );
    const executions = matching.slice(0, page.size);
    const last = executions.at(-1);
    const more = matching.length > page.size && last !== undefined;
    return { executions, next: more ? { createdAtMs: last.startedAt.getTime(), id: last.id } : undefined };
  }

  runningExecutions(): readonly ExecutionRecord[] {
    return this.#newestFirst().filter(({ state }) => state === "RUNNING");
  }

  countRunning(sessionId: string): number {
    return this.runningExecutions().filter((execution) => execution.sessionId === sessionId).length;
  }

  endedExecutions(sessionId: string): readonly ExecutionRecord[] {
    return this.#newestFirst().filter(
      (execution) => execution.state !== "RUNNING" && execution.sessionId === sessionId,
    );
  }

  sessionsWithExecutions(): readonly string[] {
    return [...new Set([...this.#executions.values()].map(({ sessionId }) => sessionId))];
  }

  executionIds(): readonly string[] {
    return [...this.#executions.keys()];
  }

  deleteExecution(id: string): void {
    this.#executions.delete(id);
  }

  #newestFirst(): ExecutionRecord[] {
    const age = (a: ExecutionRecord, b: ExecutionRecord) => b.startedAt.getTime() - a.startedAt.getTime();
    return [...this.#executions.values()].sort((a, b) => age(a, b) || (a.id < b.id ? 1 : -1));
  }
}

function isAfter({ startedAt, id }: ExecutionRecord, { after }: PageRequest): boolean {
  if (after === undefined) return true;
  const startedAtMs = startedAt.getTime();
  return startedAtMs < after.createdAtMs || (startedAtMs === after.createdAtMs && id < after.id);
}
