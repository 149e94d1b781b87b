import type { Access } from "../access/access.js";
import { defaultPageSize } from "../workspace/limits.js";
import { decodePageToken, encodePageToken } from "../page-token.js";
import type { SessionFilter } from "../ports/store.js";
import type { ListSessions, SessionList } from "./session-requests.js";
import type { SessionTable } from "./session-table.js";

/** One page of sessions, newest first. */
export function listSessions(table: SessionTable, access: Access, request: ListSessions): SessionList {
  const filter: SessionFilter = {
    ...(request.ownerId === undefined ? {} : { ownerId: access.resolveOwner(request.ownerId) }),
    workspaceId: access.resolveWorkspace(request.workspaceId),
    ...(request.projectId === undefined ? {} : { projectId: access.resolveProject(request.projectId) }),
    states: request.states?.length === 0 ? undefined : request.states,
    includeTerminated: request.includeTerminated,
    tags: request.tags,
    sticky: request.sticky,
  };
  const after = request.pageToken === "" ? undefined : decodePageToken(request.pageToken, access.workspaceId);
  const page = table.list(filter, { size: request.pageSize || defaultPageSize, after });
  return {
    sessions: page.sessions,
    nextPageToken: page.next === undefined ? "" : encodePageToken(page.next, access.workspaceId),
  };
}
