import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import type { RunningServer } from "../../src/engine/server/server.js";
import { connect, openServer, protocols, sessionA, token } from "./test-server.js";

const cert = { "x-tenki-session-cert": `cert:${sessionA}` };

describe("one port", () => {
  let server: RunningServer;
  before(async () => {
    server = await openServer({
      sandbox: { whoAmI: () => ({ ownerId: "self", ownerType: "SERVICE" }) },
      dataPlane: {
        stat: () => ({ response: { exists: true, size: 5n, modifiedUnixNs: 9_007_199_254_740_993n } }),
        async *readFileStream({ request }) {
          const data = Buffer.alloc(Number(request?.length), 7);
          yield { response: { data: data.subarray(0, 1), totalSize: BigInt(data.length) } };
          yield { response: { data: data.subarray(1), eof: true } };
          yield { response: { eof: true } };
        },
        async writeFileStream(requests) {
          let size = 0;
          for await (const { frame } of requests) {
            if (frame?.payload.case === "data") size += frame.payload.value.length;
          }
          return { response: { bytesWritten: BigInt(size) } };
        },
        async *run(requests) {
          for await (const { frame } of requests) {
            if (frame?.payload.case === "start")
              yield { frame: { payload: { case: "started", value: { pid: 1n } } } };
            if (frame?.payload.case === "stdin") {
              yield { frame: { payload: { case: "stdout", value: frame.payload.value } } };
              yield { frame: { payload: { case: "stderr", value: frame.payload.value } } };
            }
          }
          yield { frame: { payload: { case: "exit", value: { exitCode: 3, reason: "exit" } } } };
        },
      },
    });
  });
  after(() => server.stop());

  for (const protocol of protocols) {
    it(`carries unary calls as ${protocol}`, async () => {
      const { sandbox } = connect(server.url, { protocol });
      assert.equal((await sandbox.whoAmI({})).ownerId, "self");
    });

    it(`carries a file down as ${protocol}`, async () => {
      const { dataPlane } = connect(server.url, { protocol, headers: cert });
      const parts: Uint8Array[] = [];
      const sizes: bigint[] = [];
      const ends: boolean[] = [];
      const request = { request: { sessionId: sessionA, path: "f", length: 300_000n } };
      for await (const { response } of dataPlane.readFileStream(request)) {
        parts.push(response?.data ?? new Uint8Array());
        sizes.push(response?.totalSize ?? -1n);
        ends.push(response?.eof ?? false);
      }
      assert.ok(Buffer.concat(parts).equals(Buffer.alloc(300_000, 7)));
      assert.deepEqual(sizes, [300_000n, 0n, 0n]);
      assert.deepEqual(ends, [false, true, true]);
    });

    it(`carries a file up as ${protocol}`, async () => {
      const { dataPlane } = connect(server.url, { protocol, headers: cert });
      const { response } = await dataPlane.writeFileStream(upload());
      assert.equal(response?.bytesWritten, 3_000_000n);
    });
  }

  for (const protocol of protocols.filter((name) => !name.endsWith("http1"))) {
    it(`carries a command both ways as ${protocol}`, async () => {
      const { dataPlane } = connect(server.url, { protocol, headers: cert });
      const input = [
        randomBytes(1),
        randomBytes(127),
        randomBytes(128),
        randomBytes(70_000),
        randomBytes(2_100_000),
      ];
      const out: Uint8Array[] = [];
      const err: Uint8Array[] = [];
      const cases: string[] = [];
      let exitCode: number | undefined;
      for await (const { frame } of dataPlane.run(commandWith(input))) {
        const { payload } = frame ?? { payload: undefined };
        cases.push(payload?.case ?? "none");
        if (payload?.case === "stdout") out.push(payload.value);
        if (payload?.case === "stderr") err.push(payload.value);
        if (payload?.case === "exit") ({ exitCode } = payload.value);
      }
      assert.deepEqual(cases, ["started", ...input.flatMap(() => ["stdout", "stderr"]), "exit"]);
      assert.ok(Buffer.concat(out).equals(Buffer.concat(input)));
      assert.ok(Buffer.concat(err).equals(Buffer.concat(input)));
      assert.equal(exitCode, 3);
    });
  }

  it("answers plain JSON to a program with nothing but fetch", async () => {
    const answer = await fetch(`${server.url}/tenki.sandbox.v1.SandboxSessionDataPlaneService/Stat`, {
      method: "POST",
      headers: { "content-type": "application/json", ...cert },
      body: JSON.stringify({ request: { sessionId: sessionA, path: "x", unknown: 1 } }),
    });
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), {
      response: { exists: true, size: "5", modifiedUnixNs: "9007199254740993" },
    });
  });

  it("answers `unimplemented`, and no plain 404, for a method that is not built", async () => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
    const url = `${server.url}/tenki.sandbox.v1.SandboxService/ListVolumes`;
    const answer = await fetch(url, { method: "POST", headers, body: "{}" });
    assert.equal(answer.status, 501);
    assert.equal(((await answer.json()) as { code: string }).code, "unimplemented");
    for (const protocol of protocols) {
      await assert.rejects(connect(server.url, { protocol }).sandbox.listVolumes({}), /\[unimplemented\]/);
    }
    const dial = connect(server.url, { headers: cert }).dataPlane.dial(openDial());
    await assert.rejects(async () => {
      for await (const message of dial) void message;
    }, /\[unimplemented\]/);
  });

  it("answers a plain 404 for a path that is no method", async () => {
    for (const path of [
      "/",
      "/tenki.sandbox.v1.SandboxService/NoSuchMethod",
      "/tenki.sandbox.v1.SandboxService",
    ]) {
      const answer = await fetch(`${server.url}${path}`, { method: "POST" });
      assert.equal(answer.status, 404);
    }
  });
});

async function* upload() {
  yield { frame: { payload: { case: "start" as const, value: { sessionId: sessionA, path: "f" } } } };
  for (const value of [Buffer.alloc(1_000_000), Buffer.alloc(2_000_000)]) {
    yield { frame: { payload: { case: "data" as const, value } } };
  }
}

async function* commandWith(input: readonly Uint8Array[]) {
  yield { frame: { payload: { case: "start" as const, value: { sessionId: sessionA, cmd: ["cat"] } } } };
  for (const value of input) yield { frame: { payload: { case: "stdin" as const, value } } };
}

async function* openDial() {
  const target = { case: "unixSocketPath" as const, value: "/tmp/s" };
  yield { frame: { payload: { case: "open" as const, value: { sessionId: sessionA, target } } } };
}
