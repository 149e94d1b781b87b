import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import type { RunningServer } from "../../src/engine/server/server.js";
import { connect, openServer, sessionA, sessionB, token } from "./test-server.js";

const refused = (code: Code) => (error: unknown) => error instanceof ConnectError && error.code === code;

describe("who is let in", () => {
  let server: RunningServer;
  before(async () => {
    server = await openServer({
      sandbox: { whoAmI: () => ({ ownerId: "self" }) },
      dataPlane: {
        stat: () => ({ response: { exists: true } }),
        async *run(requests) {
          for await (const { frame } of requests) {
            assert.equal(frame?.payload.case, "start", "the method must not be reached");
            yield { frame: { payload: { case: "started", value: { pid: 1n } } } };
          }
        },
      },
    });
  });
  after(() => server.stop());

  const whoAmI = (headers: Record<string, string>) => connect(server.url, { headers }).sandbox.whoAmI({});
  const stat = (headers: Record<string, string>, sessionId = sessionA) =>
    connect(server.url, { headers }).dataPlane.stat({ request: { sessionId, path: "f" } });
  const run = async (headers: Record<string, string>, sessionId: string) => {
    async function* start() {
      yield { frame: { payload: { case: "start" as const, value: { sessionId, cmd: ["true"] } } } };
    }
    const cases: unknown[] = [];
    for await (const { frame } of connect(server.url, { headers }).dataPlane.run(start())) {
      cases.push(frame?.payload.case);
    }
    return cases;
  };
  const cert = (session: string) => ({ "x-tenki-session-cert": `cert:${session}` });

  for (const [form, headers] of Object.entries({
    "a bearer token": { authorization: `Bearer ${token}` },
    "a session token": { "x-session-token": token },
    "the cookie tenki_session": { cookie: `a=b; tenki_session=${token}` },
    "the cookie ory_kratos_session": { cookie: `ory_kratos_session=${token}; a=b` },
  })) {
    it(`accepts ${form}`, async () => assert.equal((await whoAmI(headers)).ownerId, "self"));
  }

  for (const [form, headers] of Object.entries({
    "no token": {},
    "a wrong bearer token": { authorization: `Bearer ${token}x` },
    "half a token": { authorization: `Bearer ${token.slice(0, -1)}` },
    "an empty one": { authorization: "Bearer " },
    "another scheme": { authorization: `Basic ${token}` },
    "another cookie": { cookie: `other=${token}` },
    "a data-plane credential": cert(sessionA),
  })) {
    it(`refuses ${form}`, () => assert.rejects(whoAmI(headers), refused(Code.Unauthenticated)));
  }

  it("accepts a credential for its own session, however the id is written", async () => {
    assert.equal((await stat(cert(sessionA))).response?.exists, true);
    assert.equal((await stat(cert(sessionA), sessionA.toUpperCase())).response?.exists, true);
    assert.deepEqual(await run(cert(sessionA), sessionA), ["started"]);
  });

  it("refuses a credential for another session, on streams too", async () => {
    await assert.rejects(stat(cert(sessionA), sessionB), refused(Code.PermissionDenied));
    await assert.rejects(run(cert(sessionA), sessionB), refused(Code.PermissionDenied));
  });

  it("refuses a data plane call without a credential, with a broken one, with the token", async () => {
    await assert.rejects(stat({}), refused(Code.Unauthenticated));
    await assert.rejects(stat({ "x-tenki-session-cert": "nonsense" }), refused(Code.Unauthenticated));
    await assert.rejects(stat({ authorization: `Bearer ${token}` }), refused(Code.Unauthenticated));
    await assert.rejects(run({}, sessionA), refused(Code.Unauthenticated));
  });

  it("tells plain HTTP the same by status and code", async () => {
    const url = `${server.url}/tenki.sandbox.v1.SandboxService/WhoAmI`;
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    assert.equal(answer.status, 401);
    assert.equal(((await answer.json()) as { code: string }).code, "unauthenticated");
  });

  it("refuses web pages of other hosts, token or not", async () => {
    const bearer = { authorization: `Bearer ${token}` };
    for (const origin of ["https://evil.example", "http://127.0.0.1.evil.example", "null"]) {
      await assert.rejects(whoAmI({ ...bearer, origin }), refused(Code.PermissionDenied));
    }
    for (const origin of ["http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:1"]) {
      assert.equal((await whoAmI({ ...bearer, origin })).ownerId, "self");
    }
  });
});
