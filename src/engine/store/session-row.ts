import type { SessionRecord } from "../core/ports/store.js";

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

/** Only the record's own dates are revived: a user's metadata may hold a key of the same name. */
export function fromRow(row: Pick<SessionRow, "record">): SessionRecord {
  const fields = Object.entries(JSON.parse(row.record) as Record<string, unknown>);
  const revived = fields.map(
    ([key, value]) => [key, dateFields.has(key) ? new Date(String(value)) : value] as const,
  );
  return Object.fromEntries(revived) as unknown as SessionRecord;
}
