import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { DataPlaneRouteStatus, SessionState } from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { failureOf, self, ServiceBench } from "./service-bench.js";

const unknown = "00000000-0000-4000-8000-000000000000";
const seconds = (count: number) => ({ seconds: BigInt(count), nanos: 0 });

let bench: ServiceBench;
beforeEach(() => void (bench = new ServiceBench()));

describe("who one is", () => {
  it("is one owner with one workspace and one project", async () => {
    const { ownerType, ownerId, workspaces } = await bench.sandbox.whoAmI({});
    const { session } = await bench.running();
    assert.deepEqual([session.ownerType, session.ownerId], [ownerType, ownerId]);
    assert.deepEqual(
      workspaces.map(({ workspaceId, projects }) => [
        workspaceId,
        projects.map(({ projectId }) => projectId),
      ]),
      [[session.workspaceId, [session.projectId]]],
    );
  });
});

describe("a session", () => {
  it("is held until it runs, and comes with what its data plane needs", async () => {
    const answer = await bench.sandbox.createSession({ ...self, waitReady: true });
    assert.equal(answer.session?.state, SessionState.RUNNING);
    assert.equal(answer.dataPlaneEndpoint, "https://in-memory", "the address that the caller used");
    assert.equal(answer.routeStatus, DataPlaneRouteStatus.VERIFIED);
    const dataPlane = bench.dataPlane(answer.credential?.credential ?? "");
    const listed = await dataPlane.list({ request: { sessionId: answer.session.id, path: "." } });
    assert.deepEqual(listed.response?.entries, []);
    const expiresInMs = Number(answer.credential?.expiresAt?.seconds) * 1_000 - bench.clock.now().getTime();
    assert.ok(expiresInMs >= 60_000, `${expiresInMs}`);
  });

  it("is announced under the configured address where there is one", async () => {
    bench = new ServiceBench({ publicUrl: "https://sandboxes.example" });
    const { dataPlaneEndpoint } = await bench.sandbox.createSession(self);
    assert.equal(dataPlaneEndpoint, "https://sandboxes.example");
  });

  it("is returned at once where nobody waits for it", async () => {
    const start = bench.parts.steps.hold("runtime.start");
    const answer = await bench.sandbox.createSession(self);
    assert.equal(answer.session?.state, SessionState.CREATING);
    assert.equal(answer.routeStatus, DataPlaneRouteStatus.NOT_READY);
    start.release();
  });

  it("is returned as it is, ahead of the caller's deadline, when it takes longer", async () => {
    const start = bench.parts.steps.hold("runtime.start");
    const startedAt = performance.now();
    const answer = await bench.sandbox.createSession({ ...self, waitReady: true }, { timeoutMs: 2_400 });
    const ms = performance.now() - startedAt;
    assert.equal(answer.session?.state, SessionState.CREATING);
    assert.ok(ms >= 350 && ms < 2_000, `${ms} ms`);
    start.release();
  });

  it("is returned with the reason when it could not be made", async () => {
    bench.parts.steps.fail("runtime.start", { error: new Error("no room for it") });
    const { session } = await bench.sandbox.createSession({ ...self, waitReady: true });
    assert.ok([SessionState.TERMINATING, SessionState.TERMINATED].includes(session?.state ?? 0));
    assert.match(session?.terminalError ?? "", /no room for it/);
  });

  it("has what was asked for, and nothing of its environment shows", async () => {
    const asked = {
      name: "demo",
      cpuCores: 4,
      memoryMb: 1024,
      diskSizeGb: 20,
      metadata: { team: "a" },
      tags: ["x", "y"],
      sticky: true,
      allowInbound: true,
      allowOutbound: false,
      idleTimeoutMinutes: 5,
    };
    const request = {
      ...self,
      ...asked,
      env: { SECRET: "hunter2" },
      maxDuration: seconds(3_600),
      pauseRetention: { seconds: 60n, nanos: 500_000_000 },
      waitReady: true,
    };
    const { session } = await bench.sandbox.createSession(request);
    assert.ok(session !== undefined);
    const { name, cpuCores, memoryMb, diskSizeGb, metadata, tags, sticky, idleTimeoutMinutes } = session;
    const { inboundEnabled: allowInbound, outboundEnabled: allowOutbound } = session;
    assert.deepEqual(
      {
        name,
        cpuCores,
        memoryMb,
        diskSizeGb,
        metadata,
        tags,
        sticky,
        allowInbound,
        allowOutbound,
        idleTimeoutMinutes,
      },
      asked,
    );
    assert.deepEqual([session.pauseRetention?.seconds, session.pauseRetention?.nanos], [60n, 500_000_000]);
    assert.equal(Number(session.timeoutAt?.seconds), bench.clock.now().getTime() / 1_000 + 3_600);
    const shown = JSON.stringify(session, (_, value: unknown) =>
      typeof value === "bigint" ? String(value) : value,
    );
    assert.equal(shown.includes("hunter2"), false);
    assert.equal(bench.parts.runtime.sandboxes.get(session.id)?.spec.environment["SECRET"], "hunter2");
  });

  it("of an unknown image is not made", async () => {
    const { code, rawMessage } = await failureOf(
      bench.sandbox.createSession({ ...self, registryRef: "ubuntu:24.04" }),
    );
    assert.equal(code, Code.NotFound);
    assert.match(rawMessage, /registry image not found: ubuntu:24\.04/);
    assert.deepEqual((await bench.sandbox.listSessions({ includeTerminated: true })).sessions, []);
  });

  for (const [field, request] of Object.entries({
    template_spec_id: { templateSpecId: unknown },
    setup_env: { setupEnv: { A: "b" } },
    setup_secrets: { setupSecrets: { A: "b" } },
    enable_opencode: { enableOpencode: true },
  })) {
    it(`with ${field} is refused, not made without`, async () => {
      const { code, rawMessage } = await failureOf(bench.sandbox.createSession({ ...self, ...request }));
      assert.equal(code, Code.Unimplemented);
      assert.match(rawMessage, new RegExp(field));
      assert.deepEqual((await bench.sandbox.listSessions({ includeTerminated: true })).sessions, []);
    });
  }

  it("with a negative duration is refused", async () => {
    const { code, rawMessage } = await failureOf(
      bench.sandbox.createSession({ ...self, maxDuration: seconds(-1) }),
    );
    assert.equal(code, Code.InvalidArgument);
    assert.match(rawMessage, /max_duration/);
  });

  it("that is unknown is `session not found`, whatever is asked of it", async () => {
    const { sandbox } = bench;
    const calls = [
      sandbox.getSession({ sessionId: unknown }),
      sandbox.updateSession({ sessionId: unknown, name: "x" }),
      sandbox.extendSession({ sessionId: unknown, additionalDuration: seconds(1) }),
      sandbox.terminateSession({ sessionId: unknown }),
      sandbox.reportSessionActivity({ sessionId: unknown }),
      sandbox.createSessionCredential({ sessionId: unknown }),
      first(sandbox.waitSession({ sessionId: unknown })),
    ];
    for (const call of calls) {
      const { code, rawMessage } = await failureOf(call);
      assert.equal(code, Code.NotFound);
      assert.match(rawMessage, /^session not found/);
    }
  });

  it("is updated, extended and reported active", async () => {
    const { id } = await bench.running();
    const updated = await bench.sandbox.updateSession({
      sessionId: id,
      name: "b",
      tags: ["t"],
      sticky: true,
    });
    assert.deepEqual(
      [updated.session?.name, updated.session?.tags, updated.session?.sticky],
      ["b", ["t"], true],
    );
    const cleared = await bench.sandbox.updateSession({ sessionId: id, clearTags: true });
    assert.deepEqual([cleared.session?.name, cleared.session?.tags], ["b", []]);
    const extended = await bench.sandbox.extendSession({ sessionId: id, additionalDuration: seconds(600) });
    assert.equal(Number(extended.session?.timeoutAt?.seconds), bench.clock.now().getTime() / 1_000 + 600);
    await bench.clock.advance(5_000);
    const { lastActivityAt } = await bench.sandbox.reportSessionActivity({ sessionId: id });
    assert.equal(Number(lastActivityAt?.seconds), bench.clock.now().getTime() / 1_000);
  });

  it("gets new credentials while it runs, and none after", async () => {
    const { id } = await bench.running();
    const renewed = await bench.sandbox.createSessionCredential({ sessionId: id });
    assert.equal(renewed.routeStatus, DataPlaneRouteStatus.VERIFIED);
    const stat = { request: { sessionId: id, path: "x" } };
    assert.equal(
      (await bench.dataPlane(renewed.credential?.credential ?? "").stat(stat)).response?.exists,
      false,
    );
    await bench.sandbox.terminateSession({ sessionId: id });
    const { code, rawMessage } = await failureOf(bench.sandbox.createSessionCredential({ sessionId: id }));
    assert.equal(code, Code.FailedPrecondition);
    assert.match(rawMessage, /terminated/);
  });

  it("opens nothing of another session, and nothing after its credential's time", async () => {
    const a = await bench.running();
    const b = await bench.running();
    const other = await failureOf(a.dataPlane.stat({ request: { sessionId: b.id, path: "x" } }));
    assert.equal(other.code, Code.PermissionDenied);
    await bench.clock.advance(24 * 3_600_000);
    const late = await failureOf(a.dataPlane.stat({ request: { sessionId: a.id, path: "x" } }));
    assert.equal(late.code, Code.Unauthenticated);
  });
});

describe("waiting for a session", () => {
  it("shows each state from the present one on, and ends when it runs", async () => {
    const start = bench.parts.steps.hold("runtime.start");
    const { session } = await bench.sandbox.createSession(self);
    const states: SessionState[] = [];
    const routes: DataPlaneRouteStatus[] = [];
    for await (const change of bench.sandbox.waitSession({ sessionId: session?.id ?? "" })) {
      states.push(change.session?.state ?? 0);
      routes.push(change.routeStatus);
      start.release();
    }
    assert.deepEqual(states, [SessionState.CREATING, SessionState.RUNNING]);
    assert.deepEqual(routes, [DataPlaneRouteStatus.NOT_READY, DataPlaneRouteStatus.VERIFIED]);
  });

  it("ends with the session's end", async () => {
    bench.parts.steps.hold("runtime.start");
    const { session } = await bench.sandbox.createSession(self);
    const sessionId = session?.id ?? "";
    const states: SessionState[] = [];
    for await (const change of bench.sandbox.waitSession({ sessionId })) {
      states.push(change.session?.state ?? 0);
      if (states.length === 1) await bench.sandbox.terminateSession({ sessionId });
    }
    assert.deepEqual(states, [SessionState.CREATING, SessionState.TERMINATING]);
  });
});

describe("lists", () => {
  it("come in pages, newest first, with the filters of each call", async () => {
    const names = ["a", "b", "c"];
    for (const name of names) {
      await bench.sandbox.createSession({
        ...self,
        name,
        tags: [`t-${name}`],
        sticky: name === "b",
        waitReady: true,
      });
      await bench.clock.advance(1_000);
    }
    const first = await bench.sandbox.listSessions({ pageSize: 2 });
    assert.deepEqual(
      first.sessions.map(({ name }) => name),
      ["c", "b"],
    );
    const second = await bench.sandbox.listSessions({ pageSize: 2, pageToken: first.nextPageToken });
    assert.deepEqual([second.sessions.map(({ name }) => name), second.nextPageToken], [["a"], ""]);
    const workspaceId = first.sessions[0]?.workspaceId ?? "";
    const projectId = first.sessions[0]?.projectId ?? "";
    await bench.sandbox.terminateSession({ sessionId: second.sessions[0]?.id ?? "" });
    const named = async (call: Promise<{ sessions: { name: string }[] }>) =>
      (await call).sessions.map(({ name }) => name);
    const { sandbox } = bench;
    const state = SessionState.TERMINATED;
    assert.deepEqual(await named(sandbox.listWorkspaceSandboxes({})), ["c", "b"]);
    assert.deepEqual(await named(sandbox.listWorkspaceSandboxes({ workspaceId, sticky: true })), ["b"]);
    assert.deepEqual(await named(sandbox.listProjectSandboxes({ projectId, tags: ["t-c"] })), ["c"]);
    assert.deepEqual(
      await named(sandbox.listProjectSandboxes({ projectId, includeTerminated: true })),
      names.toReversed(),
    );
    assert.deepEqual(await named(sandbox.listWorkspaceSandboxes({ includeTerminated: true, state })), ["a"]);
    assert.deepEqual(await named(sandbox.listSessions({ ownerId: "self", sticky: false })), ["c"]);
    const foreign = await failureOf(sandbox.listWorkspaceSandboxes({ workspaceId: unknown }));
    assert.equal(foreign.code, Code.PermissionDenied);
    const nonsense = await failureOf(sandbox.listSessions({ pageToken: "nonsense" }));
    assert.equal(nonsense.code, Code.InvalidArgument);
  });
});

describe("terminating", () => {
  it("removes everything, and says so again when asked again", async () => {
    const { id } = await bench.running();
    for (let time = 0; time < 2; time += 1) {
      const { session } = await bench.sandbox.terminateSession({ sessionId: id });
      assert.equal(session?.state, SessionState.TERMINATED);
    }
    assert.deepEqual(bench.parts.count(), { sandboxes: 0, networks: 0, disks: 0 });
  });

  it("of many tells those that failed from those that did not", async () => {
    const a = await bench.running();
    const b = await bench.running();
    const answer = await bench.sandbox.terminateSessions({ sessionIds: [a.id, unknown, b.id, a.id] });
    assert.deepEqual(
      answer.sessions.map(({ id }) => id),
      [a.id, b.id],
    );
    assert.deepEqual(
      answer.failures.map(({ sessionId, message }) => [sessionId, message.startsWith("session not found")]),
      [[unknown, true]],
    );
  });
});

async function first<T>(stream: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of stream) return item;
  return undefined;
}
