import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { runProcess } from "../../src/lib/process.js";
import { type EngineStarted, Workbench } from "./support/tenki.js";

interface SessionJson {
  readonly id: string;
  readonly state: string;
  readonly name: string;
}

/** A program with nothing but an HTTP client: curl, JSON, HTTP/1.1. */
describe("plain JSON over HTTP/1.1", () => {
  let bench: Workbench;
  let engine: EngineStarted;
  let session: SessionJson;
  let credential: string;
  before(async () => {
    bench = await Workbench.open();
    engine = await bench.startEngine();
    const created = await control<{
      session: SessionJson;
      credential: { credential: string };
      routeStatus: string;
    }>("CreateSession", { ownerType: "SERVICE", ownerId: "self", name: "plain", waitReady: true });
    assert.equal(created.routeStatus, "DATA_PLANE_ROUTE_STATUS_VERIFIED");
    session = created.session;
    credential = created.credential.credential;
  });
  after(() => bench.close());

  async function curl(
    service: string,
    method: string,
    body: object,
    headers: readonly string[],
  ): Promise<{ status: number; body: unknown }> {
    const answer = await runProcess([
      "curl",
      "-sS",
      "--http1.1",
      "-w",
      "\n%{http_code}",
      "-H",
      "content-type: application/json",
      ...headers.flatMap((header) => ["-H", header]),
      "-d",
      JSON.stringify(body),
      `${engine.endpoint}/tenki.sandbox.v1.${service}/${method}`,
    ]);
    const at = answer.lastIndexOf("\n");
    return { status: Number(answer.slice(at + 1)), body: JSON.parse(answer.slice(0, at) || "{}") as unknown };
  }
  async function control<T>(method: string, body: object): Promise<T> {
    const answer = await curl("SandboxService", method, body, [`authorization: Bearer ${engine.token}`]);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body as T;
  }
  async function data<T>(method: string, request: object): Promise<T> {
    const headers = [`x-tenki-session-cert: ${credential}`];
    const body = { request: { sessionId: session.id, ...request } };
    const answer = await curl("SandboxSessionDataPlaneService", method, body, headers);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return (answer.body as { response: T }).response;
  }

  it("gets, lists, updates, extends", async () => {
    const got = await control<{ session: SessionJson }>("GetSession", { sessionId: session.id });
    assert.equal(got.session.state, "SESSION_STATE_RUNNING");
    const { sessions } = await control<{ sessions: SessionJson[] }>("ListSessions", {});
    assert.deepEqual(
      sessions.map(({ id }) => id),
      [session.id],
    );
    const updated = await control<{ session: SessionJson }>("UpdateSession", {
      sessionId: session.id,
      name: "renamed",
    });
    assert.equal(updated.session.name, "renamed");
    const extended = await control<{ session: { timeoutAt: string } }>("ExtendSession", {
      sessionId: session.id,
      additionalDuration: "600s",
    });
    assert.ok(Date.parse(extended.session.timeoutAt) > Date.now());
    const seen = await control<{ lastActivityAt: string }>("ReportSessionActivity", {
      sessionId: session.id,
    });
    assert.ok(Date.parse(seen.lastActivityAt) <= Date.now() + 1_000);
  });

  it("carries files on the data plane", async () => {
    const content = Buffer.from("from curl").toString("base64");
    await data("WriteFile", { path: "curl.txt", content });
    assert.equal((await data<{ content: string }>("ReadFile", { path: "curl.txt" })).content, content);
    assert.equal((await data<{ size: string }>("Stat", { path: "curl.txt" })).size, "9");
    assert.equal((await data<{ exists?: boolean }>("Stat", { path: "none" })).exists ?? false, false);
    await data("Mkdir", { path: "d/e", recursive: true });
    assert.deepEqual(
      (await data<{ entries: { name: string }[] }>("List", { path: "d" })).entries.map(({ name }) => name),
      ["e"],
    );
    assert.equal((await data<{ removed: boolean }>("Remove", { path: "d", recursive: true })).removed, true);
  });

  it("says who the caller is", async () => {
    const identity = await control<{ ownerId: string; workspaces: { workspaceId: string }[] }>("WhoAmI", {});
    assert.equal(identity.workspaces.length, 1);
  });

  it("refuses, in Connect's own error form", async () => {
    const bearer = `authorization: Bearer ${engine.token}`;
    const refused = async (
      status: number,
      code: string,
      pattern: RegExp,
      ...call: Parameters<typeof curl>
    ) => {
      const answer = await curl(...call);
      assert.equal(answer.status, status, JSON.stringify(answer.body));
      const error = answer.body as { code: string; message: string };
      assert.equal(error.code, code);
      assert.match(error.message, pattern);
    };
    const unknown = "00000000-0000-4000-8000-000000000000";
    await refused(401, "unauthenticated", /./, "SandboxService", "WhoAmI", {}, []);
    await refused(401, "unauthenticated", /./, "SandboxService", "WhoAmI", {}, [
      "authorization: Bearer tk_no",
    ]);
    await refused(
      404,
      "not_found",
      /session not found/,
      "SandboxService",
      "GetSession",
      { sessionId: unknown },
      [bearer],
    );
    await refused(
      400,
      "invalid_argument",
      /session_id/,
      "SandboxService",
      "GetSession",
      { sessionId: "nonsense" },
      [bearer],
    );
    const stat = { request: { sessionId: unknown, path: "x" } };
    const cert = `x-tenki-session-cert: ${credential}`;
    await refused(403, "permission_denied", /./, "SandboxSessionDataPlaneService", "Stat", stat, [cert]);
    await refused(401, "unauthenticated", /./, "SandboxSessionDataPlaneService", "Stat", stat, [`${cert}x`]);
  });

  it("terminates, one and many", async () => {
    const second = await control<{ session: SessionJson }>("CreateSession", {
      ownerType: "SERVICE",
      ownerId: "self",
      waitReady: true,
    });
    const gone = await control<{ session: SessionJson }>("TerminateSession", {
      sessionId: second.session.id,
    });
    assert.match(gone.session.state, /TERMINAT/);
    const ids = [session.id, "00000000-0000-4000-8000-000000000000"];
    const many = await control<{ sessions: SessionJson[]; failures: { sessionId: string }[] }>(
      "TerminateSessions",
      { sessionIds: ids },
    );
    assert.deepEqual(
      many.sessions.map(({ id }) => id),
      [session.id],
    );
    assert.deepEqual(
      many.failures.map(({ sessionId }) => sessionId),
      [ids[1]],
    );
  });
});
