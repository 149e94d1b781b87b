import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import {
  type ListWorkspaceSandboxesRequest,
  type SandboxService,
  SessionState,
} from "../../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { MemoryStore } from "../../../src/engine/store/memory-store.js";
import { Access } from "../../../src/engine/core/access/access.js";
import { WorkspaceLimits } from "../../../src/engine/core/workspace/workspace-limits.js";
import { WorkspaceSettings } from "../../../src/engine/core/workspace/workspace-settings.js";
import { workspaceMethods } from "../../../src/engine/services/workspace.js";
import { snapshotRoutes } from "./snapshot-routes.js";
import { volumeRoutes } from "./volume-routes.js";
import { now, type SessionTable, timestamp } from "./session-table.js";

/** The control plane: what a session is. */
export function sandboxRoutes(
  sessions: SessionTable,
  checkToken: (context: HandlerContext) => void,
): Partial<ServiceImpl<typeof SandboxService>> {
  const route =
    <Request, Response>(answer: (request: Request, context: HandlerContext) => Response) =>
    (request: Request, context: HandlerContext): Response => {
      checkToken(context);
      return answer(request, context);
    };
  const workspace = workspaceOfItsOwn();
  const volumes = volumeRoutes();
  const snapshots = snapshotRoutes();
  return {
    getWorkspaceSandboxUsage: route((request) => workspace.getWorkspaceSandboxUsage(request)),
    getWorkspaceSandboxSettings: route((request) => workspace.getWorkspaceSandboxSettings(request)),
    updateWorkspaceSandboxSettings: route((request) => workspace.updateWorkspaceSandboxSettings(request)),
    createSnapshot: route((request) => snapshots.createSnapshot(request)),
    getSnapshot: route((request) => snapshots.getSnapshot(request)),
    listWorkspaceSnapshots: route(() => snapshots.listWorkspaceSnapshots()),
    listSessionSnapshots: route((request) => snapshots.listSessionSnapshots(request)),
    listDanglingSnapshots: route(() => snapshots.listDanglingSnapshots()),
    updateSnapshot: route((request) => snapshots.updateSnapshot(request)),
    deleteSnapshot: route((request) => snapshots.deleteSnapshot(request)),
    getSnapshotDownloadURL: route((request) => snapshots.getSnapshotDownloadURL(request)),
    createVolume: route((request) => volumes.createVolume(request)),
    getVolume: route((request) => volumes.getVolume(request)),
    listVolumes: route(() => volumes.listVolumes()),
    updateVolume: route((request) => volumes.updateVolume(request)),
    resizeVolume: route((request) => volumes.resizeVolume(request)),
    deleteVolume: route((request) => volumes.deleteVolume(request)),
    attachVolume: route((request) => volumes.attachVolume(request)),
    detachVolume: route((request) => volumes.detachVolume(request)),
    whoAmI: route(() => identity),
    createSession: route((request) => {
      const session = sessions.create(request);
      return { session: session.wire, ...access(session.wire.id) };
    }),
    createSessionCredential: route(({ sessionId }) => access(sessions.running(sessionId).wire.id)),
    getSession: route(({ sessionId }) => ({ session: sessions.get(sessionId).wire })),
    listWorkspaceSandboxes: route((request) => list(sessions, request)),
    updateSession: route((request) => {
      const session = sessions.running(request.sessionId);
      session.wire.name = request.name ?? session.wire.name;
      session.wire.sticky = request.sticky ?? session.wire.sticky;
      if (request.clearTags || request.tags.length > 0) session.wire.tags = request.tags;
      return { session: session.wire };
    }),
    extendSession: route(({ sessionId, additionalDuration }) => {
      const session = sessions.running(sessionId);
      session.wire.timeoutAt = timestamp(now + (additionalDuration?.seconds ?? 0n));
      return { session: session.wire };
    }),
    gitOperation: route(async ({ sessionId, operation, args }, { signal }) => {
      sessions.running(sessionId);
      if (args["ref"] === "slowly") await new Promise((resolve) => signal.addEventListener("abort", resolve));
      if (args["ref"] !== "nowhere")
        return { output: operation === "diff" ? "" : `${operation} ${JSON.stringify(args)}\n` };
      const said = `git ${operation} failed (exit_code=1); check the repository, ref and access token: no such ref`;
      throw new ConnectError(said, Code.FailedPrecondition);
    }),
    updateSSHAuthorizedKeys: route(({ sessionId, sshAuthorizedKeys }) => {
      sessions.get(sessionId);
      sessions.authorizedKeys.set(sessionId, sshAuthorizedKeys);
      return {};
    }),
    pauseSession: route(({ sessionId }) => ({ session: sessions.pause(sessionId).wire })),
    resumeSession: route(({ sessionId }) => ({ session: sessions.resume(sessionId).wire })),
    terminateSession: route(({ sessionId }) => ({ session: sessions.terminate(sessionId).wire })),
    terminateSessions: route(({ sessionIds }) => terminateMany(sessions, sessionIds)),
    executeCommand: route(({ sessionId, command, args }) => {
      const { id } = sessions.running(sessionId).wire;
      return { execution: { id: executionId, sessionId: id, command, args } };
    }),
    async *streamCommandOutput({ sessionId, executionId }, context) {
      checkToken(context);
      sessions.running(sessionId);
      yield { executionId, data: Buffer.from("out\n") };
      yield { executionId, data: Buffer.from("err\n"), isStderr: true };
      yield { executionId, isFinal: true, exitCode: 3 };
    },
    async *waitSession({ sessionId }, context) {
      checkToken(context);
      for await (const session of sessions.watch(sessionId, context.signal)) {
        yield { session, ...(session.state === SessionState.RUNNING ? access(sessionId) : {}) };
      }
    },
  };
}

/** Of whatever command is started by the contract's own call. */
const executionId = "0190d3c5-0000-7000-8000-0000000000ee";

const workspaceId = "0190d3c5-0000-7000-8000-0000000000aa";

/** The engine's own, of a workspace that has two volumes and nothing else. */
function workspaceOfItsOwn() {
  const store = new MemoryStore();
  store.setSetting("workspace_id", workspaceId);
  const settings = new WorkspaceSettings(store);
  const limits = new WorkspaceLimits(store, settings);
  limits.hold("volumes", { count: () => 2, bytes: () => 15 * 2 ** 30 });
  return workspaceMethods({ access: new Access(store, "tk_unused"), settings, limits });
}

const identity = {
  ownerType: "USER",
  ownerId: "alice",
  workspaces: [
    {
      workspaceId,
      name: "acme",
      projects: [{ projectId: "0190d3c5-0000-7000-8000-0000000000bb", name: "default" }],
    },
  ],
};

const access = (id: string) => ({
  credential: {
    credential: `cert-${id}`,
    expiresAt: { seconds: BigInt(Math.floor(Date.now() / 1_000) + 3_600), nanos: 0 },
  },
  dataPlaneEndpoint: "",
  routeStatus: 1,
});

function list(sessions: SessionTable, request: ListWorkspaceSandboxesRequest) {
  const { includeTerminated, state, tags, sticky, pageToken } = request;
  const matching = [...sessions.all()]
    .map(({ wire }) => wire)
    .filter((wire) => includeTerminated || wire.state !== SessionState.TERMINATED)
    .filter((wire) => state === SessionState.UNSPECIFIED || wire.state === state)
    .filter((wire) => tags.every((tag) => wire.tags.includes(tag)))
    .filter((wire) => sticky === undefined || wire.sticky === sticky)
    .toReversed();
  const from = Number(pageToken || 0);
  const to = from + sessions.pageSize;
  return { sessions: matching.slice(from, to), nextPageToken: to < matching.length ? String(to) : "" };
}

function terminateMany(sessions: SessionTable, ids: readonly string[]) {
  const failures: { sessionId: string; message: string }[] = [];
  const ended = ids.flatMap((id) => {
    try {
      return [sessions.terminate(id).wire];
    } catch (error) {
      failures.push({ sessionId: id, message: (error as ConnectError).rawMessage });
      return [];
    }
  });
  return { sessions: ended, failures };
}
