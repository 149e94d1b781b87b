import { isTerminal, type SessionInfo } from "../domain/session.js";
import { sessionFromWire, stateToWire } from "./convert/session.js";
import type { ListOptions } from "./options/sessions.js";
import { allPages, pageSize, type Page } from "./pages.js";
import type { Rpc } from "./rpc.js";
import type { ListWorkspaceSandboxesResponse } from "../gen/tenki/sandbox/v1/sandbox_pb.js";

/** All sessions that match, newest first. */
export async function listSessions(rpc: Rpc, options: ListOptions): Promise<SessionInfo[]> {
  const { states = [], tags = [], sticky, limit } = options;
  const projectId = options.projectId ?? rpc.settings.projectId;
  const workspaceId = options.workspaceId ?? rpc.settings.workspaceId;
  const filter = {
    includeTerminated: options.includeTerminated ?? states.some(isTerminal),
    state: stateToWire(states.length === 1 ? states[0] : undefined), // the service filters by one; several are sorted out here
    tags: [...tags],
    sticky,
  };
  const matches = (info: SessionInfo) => states.length === 0 || states.includes(info.state);
  return allPages(async (pageToken) => {
    const request = { ...filter, pageSize, pageToken };
    const answer =
      projectId === undefined
        ? await rpc.sandbox("listWorkspaceSandboxes", { ...request, workspaceId: workspaceId ?? "" })
        : await rpc.sandbox("listProjectSandboxes", { ...request, projectId, workspaceId });
    return page(answer, matches);
  }, limit);
}

function page(
  answer: Pick<ListWorkspaceSandboxesResponse, "sessions" | "nextPageToken">,
  matches: (info: SessionInfo) => boolean,
): Page<SessionInfo> {
  return { items: answer.sessions.map(sessionFromWire).filter(matches), nextPageToken: answer.nextPageToken };
}
