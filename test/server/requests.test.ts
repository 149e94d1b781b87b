import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { TenkiError } from "../../src/domain/error.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { connect, type LogLine, openServer, protocols, sessionA, token } from "./test-server.js";

const cert = { "x-tenki-session-cert": `cert:${sessionA}` };
const secret = "hunter2hunter2";

describe("requests", () => {
  let server: Awaited<ReturnType<typeof openServer>>;
  let failure: unknown;
  before(async () => {
    server = await openServer({
      sandbox: {
        createSession: () => ({ session: { id: sessionA } }),
        getSession: () => Promise.reject(failure),
        async *waitSession() {
          yield { session: { id: sessionA } };
          throw failure;
        },
      },
      dataPlane: {
        readFile: () => ({ response: { content: Buffer.from(secret) } }),
        writeFile: ({ request }) => ({ response: { sizeBytes: BigInt(request?.content.length ?? 0) } }),
        async *run(requests, { signal }) {
          await requests[Symbol.asyncIterator]().next();
          yield { frame: { payload: { case: "started", value: { pid: 1n } } } };
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      },
    });
  });
  after(() => server.stop());

  const fails = async (call: Promise<unknown>): Promise<ConnectError> => {
    const error: unknown = await call.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof ConnectError, "the call must fail");
    return error;
  };
  const drain = async (stream: AsyncIterable<unknown>): Promise<void> => {
    for await (const message of stream) void message;
  };

  describe("that break a rule of the contract", () => {
    it("are refused with the field and the rule", async () => {
      const { sandbox } = connect(server.url);
      const { code, rawMessage } = await fails(sandbox.getSession({ sessionId: "nonsense" }));
      assert.equal(code, Code.InvalidArgument);
      assert.equal(rawMessage, "session_id: must be a valid UUID [string.uuid]");
    });

    it("are refused with every field that does, and the contract's own words", async () => {
      const request = { ownerType: "SERVICE", ownerId: "self", memoryMb: 129, cpuCores: 17, tags: ["Upper"] };
      const { rawMessage } = await fails(connect(server.url).sandbox.createSession(request));
      assert.match(rawMessage, /memory_mb: memory_mb must be aligned to 2 MiB \[memory_mb\.aligned_2mib\]/);
      assert.match(rawMessage, /cpu_cores: .*\[int32\.gte_lte\]/);
      assert.match(rawMessage, /tags\[0\]: .*\[string\.pattern\]/);
    });

    it("are refused by what lies within a message, and by a stream's first", async () => {
      const { dataPlane } = connect(server.url, { headers: cert });
      const empty = await fails(dataPlane.stat({ request: { sessionId: sessionA, path: "" } }));
      assert.match(empty.rawMessage, /^request\.path: .*\[string\.min_len\]$/);
      const missing = await fails(dataPlane.stat({}));
      assert.match(missing.rawMessage, /^request: .*\[required\]$/);
      const run = await fails(drain(dataPlane.run(start({ sessionId: sessionA, cmd: [] }))));
      assert.equal(run.code, Code.InvalidArgument);
      assert.match(run.rawMessage, /^frame\.start\.cmd: .*\[repeated\.min_items\]$/);
    });
  });

  describe("that fail", () => {
    const kinds = {
      not_found: Code.NotFound,
      failed_precondition: Code.FailedPrecondition,
      resource_exhausted: Code.ResourceExhausted,
      cancelled: Code.Canceled,
      unavailable: Code.Unavailable,
      usage: Code.InvalidArgument,
    } as const;
    for (const [kind, code] of Object.entries(kinds)) {
      it(`carry the kind ${kind}, the message and the hint`, async () => {
        failure = new TenkiError(kind as keyof typeof kinds, "session not found", { hint: "list them" });
        for (const protocol of protocols) {
          const { sandbox } = connect(server.url, { protocol });
          const error = await fails(sandbox.getSession({ sessionId: sessionA }));
          assert.equal(error.code, code);
          assert.equal(error.rawMessage, "session not found (list them)");
          assert.equal(error.metadata.get("x-tenki-hint"), "list%20them");
          const late = await fails(drain(sandbox.waitSession({ sessionId: sessionA })));
          assert.equal(late.code, code);
          assert.equal(late.rawMessage, "session not found (list them)");
        }
      });
    }

    it("for a reason that nobody foresaw say so, and no more; the log has the rest", async () => {
      failure = new TypeError("reading 'secret' of undefined");
      const { code, rawMessage } = await fails(
        connect(server.url).sandbox.getSession({ sessionId: sessionA }),
      );
      assert.equal(code, Code.Internal);
      const [, reference] =
        /^internal error: see reference ([0-9a-f]{8}) in the engine's log$/.exec(rawMessage) ?? [];
      assert.ok(reference, rawMessage);
      const line = server.lines.find(({ fields }) => fields["reference"] === reference);
      assert.equal(line?.level, "error");
      assert.match(String(line?.fields["stack"]), /TypeError: reading 'secret'[^]*requests\.test/);
    });

    it("with a message that no header could carry still carry it", async () => {
      failure = new TenkiError("not_found", `\u{1f600}\ud800 ${"x".repeat(100_000)}`);
      const { rawMessage } = await fails(connect(server.url).sandbox.getSession({ sessionId: sessionA }));
      assert.ok(rawMessage.startsWith("\u{1f600}\ufffd xxx") && rawMessage.length < 5_000);
    });
  });

  it("may be 60 MB large, and are told when they are larger", async () => {
    const nodeOptions = { maxSessionMemory: 1_000 }; // else Node's client cannot take an answer while it still sends
    const { dataPlane } = connect(server.url, { headers: cert, nodeOptions });
    const write = (megabytes: number) =>
      dataPlane.writeFile({
        request: { sessionId: sessionA, path: "f", content: Buffer.alloc(megabytes << 20) },
      });
    assert.equal((await write(60)).response?.sizeBytes, BigInt(60 << 20));
    assert.equal((await fails(write(65))).code, Code.ResourceExhausted);
  });

  describe("in the log", () => {
    const requestLine = (method: string, code: string) =>
      waitUntil<LogLine>(
        () =>
          server.lines.find(
            ({ message, fields }) =>
              message === "request" && fields["method"] === method && fields["code"] === code,
          ),
        { timeoutMs: 2_000 },
      );

    it("are a line each: method, code, time and session", async () => {
      const { sandbox, dataPlane } = connect(server.url, {
        headers: { authorization: `Bearer ${token}`, ...cert },
      });
      const env = { SECRET: secret };
      await sandbox.createSession({ ownerType: "SERVICE", ownerId: "self", env });
      await dataPlane.readFile({ request: { sessionId: sessionA, path: "f" } });
      for (const method of ["SandboxService/CreateSession", "SandboxSessionDataPlaneService/ReadFile"]) {
        const line = await requestLine(method, "ok");
        assert.equal(line?.fields["session"], sessionA);
        assert.equal(typeof line?.fields["ms"], "number");
      }
    });

    it("have the code of what failed, and of a caller that went away", async () => {
      await fails(connect(server.url, { headers: {} }).sandbox.whoAmI({}));
      assert.ok(await requestLine("SandboxService/WhoAmI", "unauthenticated"));
      const { dataPlane } = connect(server.url, { headers: cert });
      const leave = new AbortController();
      const call = dataPlane.run(start({ sessionId: sessionA, cmd: ["true"] }), { signal: leave.signal });
      await assert.rejects(async () => {
        for await (const { frame } of call) {
          assert.equal(frame?.payload.case, "started");
          leave.abort();
        }
      });
      assert.ok(await requestLine("SandboxSessionDataPlaneService/Run", "canceled"));
    });

    it("never show what they carry", () => {
      const text = JSON.stringify(server.lines);
      for (const hidden of [token, secret, `cert:${sessionA}`]) assert.equal(text.includes(hidden), false);
    });
  });
});

async function* start(value: { sessionId: string; cmd: string[] }) {
  yield { frame: { payload: { case: "start" as const, value } } };
}
