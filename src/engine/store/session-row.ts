import type { SessionRecord } from "../core/ports/store.js";
import { reviveDates } from "./revive-dates.js";

/** The columns of a session: those that queries look at, and the whole record as JSON. */
export interface SessionRow {
  readonly id: string;
  readonly created_ms: number;
  readonly state: string;
  readonly owner_id: string;
  readonly workspace_id: string;
  readonly project_id: string;
  readonly sticky: number;
  readonly tags: string;
  readonly record: string;
}

const dateFields = new Set([
  "createdAt",
  "readyAt",
  "terminatedAt",
  "timeoutAt",
  "lastActivityAt",
  "pausedAt",
  "pauseExpiresAt",
]);

export const toRow = (session: SessionRecord): SessionRow => ({
  id: session.id,
  created_ms: session.createdAt.getTime(),
  state: session.state,
  owner_id: session.ownerId,
  workspace_id: session.workspaceId,
  project_id: session.projectId,
  sticky: session.sticky ? 1 : 0,
  tags: JSON.stringify(session.tags),
  record: JSON.stringify(session),
});

export const fromRow = (row: Pick<SessionRow, "record">): SessionRecord =>
  reviveDates(row.record, dateFields) as unknown as SessionRecord;
