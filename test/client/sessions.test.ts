import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  TemplateRuntimeFailedError,
  WaitReadyFailedError,
  type SessionState,
} from "../../src/client/index.js";
import type {
  CreateSessionRequest,
  ListWorkspaceSandboxesRequest,
} from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { access, scriptedService, sessionId, timestamp } from "./scripted-service.js";

const wireStates = {
  CREATING: 1,
  RUNNING: 3,
  PAUSED: 4,
  PAUSING: 7,
  TERMINATING: 5,
  TERMINATED: 6,
  RESUMING: 8,
} as const;
const inState = (state: keyof typeof wireStates, more: object = {}) => ({
  session: { id: sessionId, state: wireStates[state], ...more },
});

test("a session comes over the wire whole", async () => {
  await using service = await scriptedService({
    sandbox: {
      getSession: () => ({
        session: {
          ...{
            id: sessionId,
            name: "demo",
            state: 3,
            ownerType: "USER",
            ownerId: "u",
            workspaceId: "w",
            projectId: "p",
          },
          ...{ createdAt: timestamp(1_700_000_000_250), timeoutAt: timestamp(1_700_000_100_000) },
          ...{ inboundEnabled: true, outboundEnabled: false, cpuCores: 2, memoryMb: 4096, diskSizeGb: 10 },
          ...{ sticky: true, tags: ["ci"], metadata: { a: "1" }, idleTimeoutMinutes: 0, terminalError: "" },
          pauseRetention: { seconds: 90n, nanos: 500_000_000 },
          volumeAttachments: [
            { id: "at", volumeId: "v", sessionId, mountPath: "/data", readonly: true, state: "ATTACHED" },
          ],
        },
      }),
    },
  });
  const session = await service.client().get(sessionId);
  assert.deepEqual(session.info, {
    ...{
      id: sessionId,
      name: "demo",
      state: "RUNNING",
      ownerType: "USER",
      ownerId: "u",
      workspaceId: "w",
      projectId: "p",
    },
    ...{ createdAt: new Date(1_700_000_000_250), readyAt: undefined, terminatedAt: undefined },
    ...{
      timeoutAt: new Date(1_700_000_100_000),
      lastActivityAt: undefined,
      pausedAt: undefined,
      pauseExpiresAt: undefined,
    },
    ...{
      allowInbound: true,
      allowOutbound: false,
      cpuCores: 2,
      memoryMb: 4096,
      diskSizeGb: 10,
      sticky: true,
    },
    ...{ tags: ["ci"], metadata: { a: "1" }, idleTimeoutMinutes: 0, pauseRetentionMs: 90_500 },
    volumes: [{ id: "at", volumeId: "v", sessionId, mountPath: "/data", readonly: true, state: "ATTACHED" }],
    ...{
      snapshotId: undefined,
      pauseSnapshotId: undefined,
      pauseSnapshot: undefined,
      sourceSnapshotId: undefined,
      sourceTemplateId: undefined,
    },
    ...{ sourceRegistryRef: undefined, lastResumeError: undefined, terminalError: undefined },
  });
});

test("a bare handle knows nothing until it has asked", async () => {
  await using service = await scriptedService({
    sandbox: { getSession: () => inState("RUNNING", { name: "demo" }) },
  });
  const session = service.client().session(sessionId);
  assert.throws(() => session.state, { kind: "failed_precondition" });
  assert.equal(service.calls.length, 0);
  await session.refresh();
  assert.deepEqual([session.name, session.state], ["demo", "RUNNING"]);
});

test("a create says everything that was asked for, and is held by the service", async () => {
  let request: CreateSessionRequest | undefined;
  await using service = await scriptedService({
    sandbox: {
      createSession: (message) => {
        request = message;
        return { ...inState("RUNNING"), ...access() };
      },
    },
  });
  const session = await service.client({ workspaceId: "w-client", projectId: "p-client" }).create({
    ...{
      name: "demo",
      allowInbound: true,
      allowOutbound: false,
      maxDurationMs: 90_500,
      idleTimeoutMinutes: 0,
    },
    ...{
      pauseRetentionMs: 60_000,
      cpuCores: 4,
      memoryMb: 8192,
      diskSizeGb: 20,
      metadata: { a: "1" },
      tags: ["ci"],
    },
    ...{ env: { B: "2" }, sshAuthorizedKeys: ["ssh-ed25519 AAAA"], image: { ref: "a", digestRef: "b" } },
    ...{ githubToken: "gh", cloneRepoUrl: "https://example.invalid/r", enableOpenCode: true, sticky: true },
    ...{ openCodeProvider: { apiKey: "k", baseUrl: "https://o", npm: "n" }, waitForRuntime: true },
    volumes: [{ volumeId: "v", mountPath: "/data", readOnly: true }],
    ...{ setupEnv: { C: "3" }, setupSecrets: { D: "4" } },
  });
  assert.equal(session.state, "RUNNING");
  assert.deepEqual(service.calls, ["CreateSession"]);
  const { $typeName: _, maxDuration, pauseRetention, volumes, ...rest } = request as CreateSessionRequest;
  assert.deepEqual(
    [maxDuration?.seconds, maxDuration?.nanos, pauseRetention?.seconds],
    [90n, 500_000_000, 60n],
  );
  assert.deepEqual([volumes[0]?.volumeId, volumes[0]?.mountPath, volumes[0]?.readonly], ["v", "/data", true]);
  assert.deepEqual(JSON.parse(JSON.stringify(rest)), {
    ...{
      ownerType: "SERVICE",
      ownerId: "self",
      workspaceId: "w-client",
      projectId: "p-client",
      name: "demo",
    },
    ...{
      allowInbound: true,
      allowOutbound: false,
      idleTimeoutMinutes: 0,
      cpuCores: 4,
      memoryMb: 8192,
      diskSizeGb: 20,
    },
    ...{ metadata: { a: "1" }, tags: ["ci"], registryRef: "b", enableOpencode: true, sticky: true },
    env: {
      ...{ B: "2", GH_TOKEN: "gh", GIT_TOKEN: "gh", OPENCODE_API_KEY: "k" },
      ...{ OPENCODE_PROVIDER_BASE_URL: "https://o", OPENCODE_PROVIDER_NPM: "n" },
    },
    ...{ sshAuthorizedKeys: ["ssh-ed25519 AAAA"], cloneRepoUrl: "https://example.invalid/r" },
    ...{ waitReady: true, waitForRuntime: true, setupEnv: { C: "3" }, setupSecrets: { D: "4" } },
  });
});

test("what a create leaves out is left to the service", async () => {
  let request: CreateSessionRequest | undefined;
  await using service = await scriptedService({
    sandbox: {
      createSession: (message) => {
        request = message;
        return { ...inState("CREATING") };
      },
    },
  });
  const session = await service.client().create({ waitReady: false });
  assert.equal(session.state, "CREATING");
  const { allowInbound, allowOutbound, cpuCores, memoryMb, diskSizeGb, maxDuration, waitReady } =
    request as CreateSessionRequest;
  assert.deepEqual(
    { allowInbound, allowOutbound, cpuCores, memoryMb, diskSizeGb, maxDuration, waitReady },
    {
      ...{ allowInbound: undefined, allowOutbound: undefined, cpuCores: undefined, memoryMb: undefined },
      ...{ diskSizeGb: undefined, maxDuration: undefined, waitReady: false },
    },
  );
});

test("a create that comes back early is waited for", async () => {
  await using service = await scriptedService({
    sandbox: {
      createSession: () => inState("CREATING"),
      waitSession: async function* () {
        yield inState("CREATING");
        yield { ...inState("RUNNING"), ...access("cert-waited") };
      },
    },
    dataPlane: {
      stat: (_, { requestHeader }) => ({
        response: { exists: requestHeader.get("x-tenki-session-cert") === "cert-waited" },
      }),
    },
  });
  const session = await service.client().create();
  assert.equal(session.state, "RUNNING");
  assert.notEqual(await session.stat("x"), undefined);
  assert.equal(service.count("CreateSessionCredential"), 0);
});

test("a session that is not ready in time is there all the same", async () => {
  await using service = await scriptedService({
    sandbox: {
      createSession: () => inState("CREATING"),
      waitSession: async function* (_, { signal }) {
        yield inState("CREATING");
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    },
  });
  const creating = service.client().create({ waitTimeoutMs: 300 });
  await assert.rejects(creating, (error: unknown) => {
    assert.ok(error instanceof WaitReadyFailedError);
    assert.equal(error.kind, "deadline_exceeded");
    assert.match(error.message, /was not running after .*ms \(state=CREATING\)$/);
    assert.equal(error.session.id, sessionId);
    return true;
  });
});

test("a create that was not answered says that it may have happened", async () => {
  await using service = await scriptedService({
    sandbox: {
      createSession: (_, { signal }) =>
        new Promise((resolve) => signal.addEventListener("abort", () => resolve({}))),
    },
  });
  await assert.rejects(service.client().create({ waitTimeoutMs: 100 }), {
    kind: "deadline_exceeded",
    hint: "it may have been made all the same: look with `tenki sandbox list`",
  });
  assert.equal(service.count("CreateSession"), 1);
});

test("a runtime that failed is an error that has the session", async () => {
  await using service = await scriptedService({
    sandbox: {
      createSession: () => ({
        ...inState("RUNNING", { runtimeState: 3, runtimeError: "exited 1" }),
        ...access(),
      }),
    },
  });
  await assert.rejects(service.client().create({ waitForRuntime: true }), (error: unknown) => {
    assert.ok(error instanceof TemplateRuntimeFailedError);
    assert.equal(error.message, "the template's runtime failed: exited 1");
    assert.equal(error.session.state, "RUNNING");
    return true;
  });
});

test("watching tells each change of state once, and ends with RUNNING", async () => {
  await using service = await scriptedService({
    sandbox: {
      waitSession: async function* () {
        for (const state of ["CREATING", "CREATING", "RUNNING", "PAUSED"] as const) yield inState(state);
      },
    },
  });
  const states: SessionState[] = [];
  for await (const info of service.client().session(sessionId).watch()) states.push(info.state);
  assert.deepEqual(states, ["CREATING", "RUNNING"]);
});

test("where the service does not tell, it is asked", async () => {
  let asked = 0;
  await using service = await scriptedService({
    sandbox: { getSession: () => inState(++asked < 3 ? "CREATING" : "RUNNING") },
  });
  assert.equal((await service.client().session(sessionId).waitReady()).state, "RUNNING");
  assert.equal(asked, 3);
  assert.equal(service.count("WaitSession"), 1);
});

test("a wait goes on when its stream breaks", async () => {
  await using service = await scriptedService({
    sandbox: {
      waitSession: async function* () {
        yield inState("CREATING");
        service.dropConnections();
      },
      getSession: () => inState("RUNNING"),
    },
  });
  assert.equal((await service.client().session(sessionId).waitReady()).state, "RUNNING");
});

test("a wait ends where it cannot succeed", async () => {
  let state: keyof typeof wireStates = "TERMINATED";
  let more: object = { terminalError: "the image is gone" };
  await using service = await scriptedService({
    sandbox: {
      waitSession: async function* () {
        yield inState(state, more);
      },
    },
  });
  const session = service.client().session(sessionId);
  await assert.rejects(session.waitReady(), {
    name: "SessionTerminatedError",
    message: `session ${sessionId} has terminated: the image is gone (state=TERMINATED)`,
  });
  [state, more] = ["PAUSED", { lastResumeError: "no capacity" }];
  await assert.rejects(session.waitReady(), {
    name: "InvalidStateError",
    hint: `resume it with \`tenki sandbox resume ${sessionId}\``,
  });
  await assert.rejects(session.waitResumed(), {
    name: "ResumeFailedError",
    message: `session ${sessionId} was not resumed: no capacity (state=PAUSED)`,
  });
});

test("a wait for a pause ends with it, or with what came instead", async () => {
  let states: (keyof typeof wireStates)[] = ["PAUSING", "PAUSED"];
  await using service = await scriptedService({
    sandbox: {
      waitSession: async function* () {
        for (const state of states) yield inState(state);
      },
    },
  });
  const session = service.client().session(sessionId);
  assert.equal((await session.waitPaused()).state, "PAUSED");
  assert.equal(session.state, "PAUSED");
  states = ["PAUSING", "RUNNING"];
  await assert.rejects(session.waitPaused(), {
    name: "InvalidStateError",
    message: `session ${sessionId} was not paused (state=RUNNING)`,
    state: "RUNNING",
  });
  states = ["PAUSING", "TERMINATED"];
  await assert.rejects(session.waitPaused(), { name: "SessionTerminatedError" });
});

test("a wait for an unknown session is its error", async () => {
  await using service = await scriptedService({
    sandbox: {
      waitSession: () => {
        throw new ConnectError("session not found", Code.NotFound);
      },
    },
  });
  await assert.rejects(service.client().session(sessionId).waitReady(), { name: "SessionNotFoundError" });
});

function paged(requests: ListWorkspaceSandboxesRequest[]) {
  const all = Array.from({ length: 250 }, (_, i) => ({ id: `s${i}`, state: i % 2 === 0 ? 3 : 4 }));
  return (request: ListWorkspaceSandboxesRequest) => {
    requests.push(request);
    const from = Number(request.pageToken || 0);
    const next = from + request.pageSize;
    return { sessions: all.slice(from, next), nextPageToken: next < all.length ? String(next) : "" };
  };
}

test("a list is the whole list, whatever the pages", async () => {
  const requests: ListWorkspaceSandboxesRequest[] = [];
  await using service = await scriptedService({ sandbox: { listWorkspaceSandboxes: paged(requests) } });
  const sessions = await service.client().list();
  assert.deepEqual(
    sessions.map(({ id }) => id),
    Array.from({ length: 250 }, (_, i) => `s${i}`),
  );
  assert.deepEqual(
    requests.map(({ pageToken, pageSize }) => [pageToken, pageSize]),
    [
      ["", 100],
      ["100", 100],
      ["200", 100],
    ],
  );
});

test("a list that is limited asks for no more pages than it needs", async () => {
  const requests: ListWorkspaceSandboxesRequest[] = [];
  await using service = await scriptedService({ sandbox: { listWorkspaceSandboxes: paged(requests) } });
  assert.equal((await service.client().list({ limit: 120 })).length, 120);
  assert.equal(requests.length, 2);
});

test("a list's filters reach the service, and several states are sorted out here", async () => {
  const requests: ListWorkspaceSandboxesRequest[] = [];
  await using service = await scriptedService({ sandbox: { listWorkspaceSandboxes: paged(requests) } });
  const client = service.client();
  await client.list({
    workspaceId: "w",
    tags: ["a"],
    sticky: false,
    includeTerminated: true,
    states: ["PAUSED"],
  });
  const { workspaceId, tags, sticky, includeTerminated, state } =
    requests[0] as ListWorkspaceSandboxesRequest;
  assert.deepEqual([workspaceId, tags, sticky, includeTerminated, state], ["w", ["a"], false, true, 4]);
  requests.length = 0;
  const some = await client.list({ states: ["PAUSED", "TERMINATED"] });
  assert.equal(some.length, 125);
  assert.ok(some.every((session) => session.state === "PAUSED"));
  assert.deepEqual(
    [requests[0]?.state, requests[0]?.includeTerminated, requests[0]?.sticky],
    [0, true, undefined],
  );
});

test("a list whose next page is the same one again is an error, and not endless", async () => {
  await using service = await scriptedService({
    sandbox: { listWorkspaceSandboxes: () => ({ sessions: [], nextPageToken: "again" }) },
  });
  await assert.rejects(service.client().list(), { name: "PaginationStalledError" });
});

test("a project's list is asked of the project", async () => {
  await using service = await scriptedService({
    sandbox: { listProjectSandboxes: ({ projectId }) => ({ sessions: [{ id: projectId }] }) },
  });
  const [session] = await service.client({ projectId: "p" }).list();
  assert.equal(session?.id, "p");
});

test("extend, update, pause, resume and terminate answer with the session as it then is", async () => {
  const requests: object[] = [];
  const answer = (state: keyof typeof wireStates) => (message: { $typeName: string }) => {
    requests.push(
      JSON.parse(
        JSON.stringify(message, (key, value) =>
          key === "$typeName" ? undefined : typeof value === "bigint" ? Number(value) : value,
        ),
      ),
    );
    return inState(state);
  };
  await using service = await scriptedService({
    sandbox: {
      extendSession: answer("RUNNING"),
      updateSession: answer("RUNNING"),
      pauseSession: answer("PAUSED"),
      resumeSession: answer("RESUMING"),
      terminateSession: answer("TERMINATING"),
      reportSessionActivity: () => ({ lastActivityAt: timestamp(1_700_000_000_000) }),
    },
  });
  const session = service.client().session(sessionId);
  await session.extend(90_000);
  await session.update({ name: "n", tags: [], sticky: false, maxDurationMs: 1_500 });
  await session.updateTags(["a"]);
  assert.equal((await session.pause()).state, "PAUSED");
  await session.resume();
  assert.equal(session.state, "RESUMING");
  assert.equal((await session.close()).state, "TERMINATING");
  assert.equal((await session.reportActivity()).getTime(), 1_700_000_000_000);
  assert.deepEqual(requests, [
    { sessionId, additionalDuration: { seconds: 90, nanos: 0 } },
    {
      sessionId,
      name: "n",
      tags: [],
      clearTags: true,
      sticky: false,
      maxDuration: { seconds: 1, nanos: 500_000_000 },
    },
    { sessionId, tags: ["a"], clearTags: false },
    { sessionId },
    { sessionId },
    { sessionId },
  ]);
});

test("closing what has ended is an error, and none with closeIfOpen", async () => {
  let message = "session is terminated";
  let code = Code.FailedPrecondition;
  await using service = await scriptedService({
    sandbox: {
      terminateSession: () => {
        throw new ConnectError(message, code);
      },
    },
  });
  const session = service.client().session(sessionId);
  await assert.rejects(session.close(), { name: "SessionTerminatedError" });
  await session.closeIfOpen();
  [message, code] = ["session not found", Code.NotFound];
  await session.closeIfOpen();
  [message, code] = ["not yours", Code.PermissionDenied];
  await assert.rejects(session.closeIfOpen(), { name: "PermissionDeniedError" });
});

test("many are terminated in calls of a hundred, and failures are told apart", async () => {
  const sizes: number[] = [];
  await using service = await scriptedService({
    sandbox: {
      terminateSessions: ({ sessionIds }) => {
        sizes.push(sessionIds.length);
        const [first = "", ...others] = sessionIds;
        return {
          sessions: others.map((id) => ({ id, state: 5 })),
          failures: [{ sessionId: first, message: "session not found" }],
        };
      },
    },
  });
  const ids = Array.from({ length: 150 }, (_, i) => `s${i}`);
  const { terminated, failures } = await service.client().terminateMany(ids);
  assert.deepEqual(sizes, [100, 50]);
  assert.equal(terminated.length, 148);
  assert.deepEqual(failures, [
    { sessionId: "s0", message: "session not found" },
    { sessionId: "s100", message: "session not found" },
  ]);
});

test("who one is", async () => {
  await using service = await scriptedService({
    sandbox: {
      whoAmI: () => ({
        ...{ ownerType: "USER", ownerId: "u" },
        workspaces: [{ workspaceId: "w", name: "W", projects: [{ projectId: "p", name: "P" }] }],
      }),
    },
  });
  assert.deepEqual(await service.client().whoAmI(), {
    ...{ ownerType: "USER", ownerId: "u" },
    workspaces: [{ id: "w", name: "W", projects: [{ id: "p", name: "P" }] }],
  });
});

test("`await using` terminates the session and closes the client", async () => {
  let terminated = 0;
  await using service = await scriptedService({
    sandbox: {
      createSession: () => ({ ...inState("RUNNING"), ...access() }),
      terminateSession: () => {
        terminated++;
        return inState("TERMINATING");
      },
    },
  });
  {
    await using client = service.client();
    await using session = await client.create();
    assert.equal(session.id, sessionId);
  }
  assert.equal(terminated, 1);
});
