import assert from "node:assert/strict";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { after, beforeEach, describe, it } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { DialPortReason, type DialPortRequestSchema } from "../../src/gen/tenki/engine/v1/dial_pb.js";
import {
  DialClosed_Reason,
  type DialRequestSchema,
  type HostPortTunnelRequestSchema,
  HostPortTunnelTerminated_Reason as Reason,
} from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { AsyncQueue } from "../../src/lib/async-queue.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import type { InMemoryConnections } from "../core/in-memory-connections.js";
import { failureOf, ServiceBench } from "./service-bench.js";

type Payload<S extends { readonly payload?: unknown }> = NonNullable<S["payload"]>;
type DialUp = Payload<MessageInitShape<typeof DialRequestSchema>>;
type PortUp = Payload<MessageInitShape<typeof DialPortRequestSchema>>;
type TunnelUp = Payload<MessageInitShape<typeof HostPortTunnelRequestSchema>>;

// Without a network nothing else keeps the process alive while it waits.
const alive = setInterval(() => undefined, 1_000);
after(() => clearInterval(alive));

let bench: ServiceBench;
let session: Awaited<ReturnType<ServiceBench["running"]>>;
let inside: InMemoryConnections;
beforeEach(async () => {
  bench = new ServiceBench({ firstFrameMs: 50 });
  session = await bench.running();
  const sandbox = bench.parts.runtime.sandboxes.get(session.id);
  assert.ok(sandbox);
  inside = sandbox.connections;
});

const path = "/home/tenki/a.sock";
const bytes = (text: string) => Buffer.from(text);

/** A call in both directions: what is pushed goes up, `next` is what comes down. */
class Exchange<Up, Down> {
  readonly up = new AsyncQueue<Up>(1_000);
  readonly #down: AsyncIterator<Down>;

  constructor(call: (up: AsyncIterable<Up>) => AsyncIterable<Down>, first?: Up) {
    if (first !== undefined) void this.up.push(first);
    this.#down = call(this.up)[Symbol.asyncIterator]();
  }

  async next(): Promise<Down | undefined> {
    const { done, value } = await this.#down.next();
    return done === true ? undefined : value;
  }

  say(frame: Up): void {
    void this.up.push(frame);
  }
}

/** `null`: says nothing. */
function dial(first: DialUp | null = openPath()) {
  return new Exchange(async function* (up: AsyncIterable<DialUp>) {
    for await (const { frame } of session.dataPlane.dial(wrapped(up))) yield frame?.payload;
  }, first ?? undefined);
}

const openPath = (unixSocketPath = path): DialUp => ({
  case: "open",
  value: { sessionId: session.id, target: { case: "unixSocketPath", value: unixSocketPath } },
});

function dialPort(port: number) {
  return new Exchange(
    async function* (up: AsyncIterable<PortUp>) {
      const messages = (async function* () {
        for await (const payload of up) yield { payload };
      })();
      for await (const { payload } of bench.dialCalls.dialPort(messages)) yield payload;
    },
    { case: "open", value: { sessionId: session.id, port } },
  );
}

function tunnel(open: { readonly sandboxPort?: number } = {}) {
  return new Exchange(
    async function* (up: AsyncIterable<TunnelUp>) {
      for await (const { frame } of session.dataPlane.hostPortTunnel(wrapped(up))) yield frame?.payload;
    },
    { case: "open", value: { sessionId: session.id, ...open } },
  );
}

async function* wrapped<P>(up: AsyncIterable<P>): AsyncGenerator<{ frame: { payload: P } }> {
  for await (const payload of up) yield { frame: { payload } };
}

/** Answers when it has heard all, and says its last. */
function answerer(stream: Duplex): void {
  let heard = "";
  stream.on("data", (data: Buffer) => (heard += data.toString()));
  stream.on("end", () => stream.end(`heard: ${heard}`));
}

describe("Dial", () => {
  it("opens, carries both ways past the caller's last word, and closes cleanly", async () => {
    inside.serve(path, answerer);
    const call = dial();
    assert.deepEqual((await call.next())?.case, "opened");
    call.say({ case: "data", value: bytes("one ") });
    call.say({ case: "data", value: bytes("two") });
    call.say({ case: "halfClose", value: true });
    const answer = await call.next();
    assert.ok(answer?.case === "data");
    assert.equal(Buffer.from(answer.value).toString(), "heard: one two");
    const last = await call.next();
    assert.ok(last?.case === "closed");
    assert.equal(last.value.reason, DialClosed_Reason.CLEAN);
    assert.equal(await call.next(), undefined);
  });

  it("delivers what is said after the peer's last word, for as long as something is said", async () => {
    const heard: Buffer[] = [];
    let ended = false;
    inside.serve(path, (stream) => {
      stream.end("first");
      stream.on("data", (data: Buffer) => heard.push(data)).on("end", () => (ended = true));
    });
    const call = dial();
    const seen = [(await call.next())?.case, (await call.next())?.case, (await call.next())?.case];
    assert.deepEqual(seen, ["opened", "data", "closed"]);
    call.say({ case: "data", value: bytes("late") });
    call.say({ case: "halfClose", value: true });
    assert.equal(await call.next(), undefined);
    assert.ok(await waitUntil(() => ended || undefined, { timeoutMs: 5_000 }));
    assert.equal(Buffer.concat(heard).toString(), "late");
  });

  it("says why it is not connected, and what broke it off", async () => {
    const denied = dial(openPath("/etc/passwd"));
    const first = await denied.next();
    assert.ok(first?.case === "closed");
    assert.equal(first.value.reason, DialClosed_Reason.PATH_DENIED);
    assert.match(first.value.detail, /^path_denied/);
    inside.serve(path, (stream) => void stream.once("data", () => stream.destroy()));
    const call = dial();
    assert.equal((await call.next())?.case, "opened");
    call.say({ case: "data", value: bytes("x") });
    const last = await call.next();
    assert.ok(last?.case === "closed");
    assert.equal(last.value.reason, DialClosed_Reason.PEER_RESET);
  });

  it("keeps the session busy while it is open", async () => {
    let peer: Duplex | undefined;
    inside.serve(path, (stream) => (peer = stream));
    const before = await bench.sandbox.getSession({ sessionId: session.id });
    const call = dial();
    await call.next();
    await bench.clock.advance(60_000);
    peer?.end();
    call.say({ case: "halfClose", value: true });
    while ((await call.next()) !== undefined);
    const touched = await waitUntil(
      async () => {
        const { session: now } = await bench.sandbox.getSession({ sessionId: session.id });
        return now?.lastActivityAt?.seconds !== before.session?.lastActivityAt?.seconds || undefined;
      },
      { timeoutMs: 5_000 },
    );
    assert.ok(touched);
  });

  it("answers a caller who says nothing, and refuses one who says something else first", async () => {
    const silent = await dial(null).next();
    assert.ok(silent?.case === "closed");
    assert.equal(silent.value.reason, DialClosed_Reason.CAPABILITY_UNAVAILABLE);
    assert.match(silent.value.detail, /^first_frame_timeout/);
    const call = dial({ case: "data", value: bytes("x") });
    assert.equal((await failureOf(call.next())).code, Code.InvalidArgument);
  });
});

describe("DialPort", () => {
  it("half-closes either way, and ends with closed", async () => {
    inside.serve(3_000, answerer);
    const call = dialPort(3_000);
    call.say({ case: "halfClose", value: true });
    const seen: unknown[] = [];
    for (let event = await call.next(); event !== undefined; event = await call.next()) seen.push(event.case);
    assert.deepEqual(seen, ["opened", "data", "halfClose", "closed"]);
  });

  it("tells a refusal, and refuses what is no port", async () => {
    const refused = await dialPort(3_001).next();
    assert.ok(refused?.case === "closed");
    assert.equal(refused.value.reason, DialPortReason.REFUSED);
    assert.equal((await failureOf(dialPort(70_000).next())).code, Code.InvalidArgument);
  });
});

describe("HostPortTunnel", () => {
  it("carries each connection as a sub-stream, with half-closes and ends", async () => {
    const call = tunnel();
    const opened = await call.next();
    assert.ok(opened?.case === "opened");
    assert.equal(opened.value.sandboxAddress, "127.0.0.1");
    const program = inside.connect(opened.value.sandboxPort);
    const accept = await call.next();
    assert.ok(accept?.case === "accept");
    assert.match(accept.value.sourceAddress, /^127\.0\.0\.1:\d+$/);
    const { subStreamId } = accept.value;
    program.end("question");
    const question = await call.next();
    assert.ok(question?.case === "data");
    assert.deepEqual(
      [question.value.subStreamId, Buffer.from(question.value.payload).toString()],
      [subStreamId, "question"],
    );
    assert.equal((await call.next())?.case, "halfClose");
    call.say({ case: "data", value: { subStreamId, payload: bytes("answer") } });
    call.say({ case: "halfClose", value: { subStreamId } });
    const [answer] = (await once(program, "data")) as [Buffer];
    assert.equal(answer.toString(), "answer");
    program.resume();
    assert.equal((await call.next())?.case, "close");
    call.say({ case: "close", value: { subStreamId: 0n, reason: "sdk_closed" } });
    assert.equal(await call.next(), undefined);
    assert.deepEqual(inside.listeningPorts, []);
  });

  it("says that a port is taken", async () => {
    const first = tunnel({ sandboxPort: 5_000 });
    assert.equal((await first.next())?.case, "opened");
    const refused = await tunnel({ sandboxPort: 5_000 }).next();
    assert.ok(refused?.case === "terminated");
    assert.equal(refused.value.reason, Reason.BIND_FAILED);
  });

  it("asks whether somebody is there, and ends where nobody is", async () => {
    const call = tunnel();
    await call.next();
    await bench.clock.advance(15_000);
    const ping = await call.next();
    assert.ok(ping?.case === "ping");
    call.say({ case: "pong", value: { pingId: ping.value.pingId } });
    const kinds: unknown[] = [];
    await bench.clock.advance(90_000);
    for (let event = await call.next(); event !== undefined; event = await call.next()) {
      kinds.push(event.case);
      if (event.case === "terminated") assert.equal(event.value.reason, Reason.KEEPALIVE_TIMEOUT);
    }
    assert.equal(kinds.at(-1), "terminated");
  });

  it("ends with its session, and with its engine", async () => {
    const lost = tunnel();
    await lost.next();
    bench.parts.runtime.die(session.id);
    const gone = await lost.next();
    assert.ok(gone?.case === "terminated");
    assert.equal(gone.value.reason, Reason.SESSION_LOST);
    session = await bench.running();
    const open = tunnel();
    await open.next();
    bench.stopping.abort(new Error("the engine is stopping"));
    const drained = await open.next();
    assert.ok(drained?.case === "terminated");
    assert.equal(drained.value.reason, Reason.ENGINE_DRAINING);
  });
});
