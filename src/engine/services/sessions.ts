import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { SandboxService } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { Images } from "../core/ports/images.js";
import type { ListSessions, SessionList } from "../core/sessions/session-requests.js";
import type { Sessions } from "../core/sessions/sessions.js";
import { fromWireState, toWireSession } from "./convert/session.js";
import { durationMs, positiveMs } from "./convert/time.js";
import type { DataPlaneAccess } from "./data-plane-access.js";
import { makeSession } from "./make-session.js";
import { isSettled, settledOrPresent } from "./wait-ready.js";

export interface SessionMethodsOptions {
  readonly sessions: Sessions;
  readonly images: Images;
  readonly dataPlane: DataPlaneAccess;
}

/** The methods about sessions. */
export function sessionMethods(options: SessionMethodsOptions) {
  const { sessions, dataPlane } = options;
  return {
    createSession(request, context) {
      return makeSession(options, request, context);
    },
    createSessionCredential({ sessionId }, context) {
      return dataPlane.grant(sessions.requireRunning(sessionId), context);
    },
    getSession({ sessionId }) {
      return { session: toWireSession(sessions.get(sessionId)) };
    },
    async *waitSession({ sessionId }, context) {
      for await (const session of sessions.watch(sessionId, context.signal)) {
        yield { session: toWireSession(session), ...dataPlane.grant(session, context) };
        if (isSettled(session.state)) return;
      }
      context.signal.throwIfAborted();
    },
    listSessions(request) {
      const ownerId = request.ownerId || undefined;
      return toWireList(sessions.list({ ...page(request), ownerId }));
    },
    listWorkspaceSandboxes(request) {
      return toWireList(sessions.list({ ...page(request), workspaceId: request.workspaceId }));
    },
    listProjectSandboxes(request) {
      const { projectId, workspaceId } = request;
      return toWireList(sessions.list({ ...page(request), projectId, workspaceId }));
    },
    async updateSession(request) {
      const { sessionId, name, tags, clearTags, sticky } = request;
      const maxDurationMs = positiveMs(request.maxDuration, "max_duration");
      return {
        session: toWireSession(
          await sessions.update(sessionId, { name, tags, clearTags, sticky, maxDurationMs }),
        ),
      };
    },
    async extendSession({ sessionId, additionalDuration }) {
      return { session: toWireSession(await sessions.extend(sessionId, durationMs(additionalDuration))) };
    },
    async pauseSession({ sessionId }, context) {
      const pausing = sessions.pause(sessionId);
      return { session: toWireSession(await settledOrPresent(sessions, sessionId, pausing, context)) };
    },
    async resumeSession({ sessionId }, context) {
      const resuming = sessions.resume(sessionId);
      return { session: toWireSession(await settledOrPresent(sessions, sessionId, resuming, context)) };
    },
    async terminateSession({ sessionId }) {
      return { session: toWireSession(await sessions.terminate(sessionId)) };
    },
    async terminateSessions({ sessionIds }) {
      const ids = [...new Set(sessionIds)];
      const outcomes = await Promise.allSettled(ids.map((id) => sessions.terminate(id)));
      return {
        sessions: outcomes.flatMap((outcome) =>
          outcome.status === "fulfilled" ? [toWireSession(outcome.value)] : [],
        ),
        failures: outcomes.flatMap((outcome, at) =>
          outcome.status === "rejected"
            ? [{ sessionId: ids[at] ?? "", message: (outcome.reason as Error).message }]
            : [],
        ),
      };
    },
    reportSessionActivity({ sessionId }) {
      return { lastActivityAt: timestampFromDate(sessions.reportActivity(sessionId)) };
    },
  } satisfies Partial<ServiceImpl<typeof SandboxService>>;
}

interface ListRequest {
  readonly pageSize: number;
  readonly pageToken: string;
  readonly includeTerminated: boolean;
  readonly tags: readonly string[];
  readonly sticky?: boolean | undefined;
  readonly state?: Parameters<typeof fromWireState>[0];
}

function page({ pageSize, pageToken, includeTerminated, tags, sticky, state }: ListRequest): ListSessions {
  const wanted = state === undefined ? undefined : fromWireState(state);
  return {
    pageSize,
    pageToken,
    includeTerminated,
    tags,
    sticky,
    states: wanted === undefined ? undefined : [wanted],
  };
}

const toWireList = ({ sessions, nextPageToken }: SessionList) => ({
  sessions: sessions.map(toWireSession),
  nextPageToken,
});
