import type { ExecutionInfo } from "../../../domain/execution.js";
import type { PageRequest, SessionCursor } from "./store.js";

/** An execution as the record keeps it. Its environment is not in it: that may hold secrets, and nobody needs it again. */
export type ExecutionRecord = ExecutionInfo;

export interface ExecutionFilter {
  readonly sessionId?: string | undefined;
  readonly runningOnly: boolean;
}

export interface ExecutionPage {
  readonly executions: readonly ExecutionRecord[];
  readonly next?: SessionCursor | undefined;
}

/** The record of executions; durable when a call returns. */
export interface ExecutionStore {
  insertExecution(execution: ExecutionRecord): void;
  /** Replaces it as a whole; an id that is not there is `not_found`. */
  updateExecution(execution: ExecutionRecord): void;
  getExecution(id: string): ExecutionRecord | undefined;
  /** Newest first. */
  listExecutions(filter: ExecutionFilter, page: PageRequest): ExecutionPage;
  /** All that have not ended, newest first. */
  runningExecutions(): readonly ExecutionRecord[];
  countRunning(sessionId: string): number;
  /** All of a session that have ended, newest first. */
  endedExecutions(sessionId: string): readonly ExecutionRecord[];
  /** Whose executions there are. */
  sessionsWithExecutions(): readonly string[];
  executionIds(): readonly string[];
  /** Idempotent. */
  deleteExecution(id: string): void;
}
