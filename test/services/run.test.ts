import assert from "node:assert/strict";
import { after, beforeEach, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import {
  type RunExit,
  type RunResponse,
  RunSignal_Sig,
  type RunStart,
  SandboxSessionDataPlaneServiceRunRequestSchema,
} from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { AsyncQueue } from "../../src/lib/async-queue.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { failureOf, ServiceBench } from "./service-bench.js";

type Session = Awaited<ReturnType<ServiceBench["running"]>>;
type Frame = MessageInitShape<typeof SandboxSessionDataPlaneServiceRunRequestSchema>;

// Without a network nothing else keeps the process alive while it waits.
const alive = setInterval(() => undefined, 1_000);
after(() => clearInterval(alive));

let bench: ServiceBench;
let session: Session;
beforeEach(async () => {
  bench = new ServiceBench();
  session = await bench.running({ env: { FROM: "session", BOTH: "session" } });
});

describe("a command", () => {
  it("starts, writes, and exits once", async () => {
    const frames = await collect(["echo", "hello"]);
    assert.deepEqual(cases(frames), ["started", "stdout", "exit"]);
    assert.ok(pidOf(frames) > 0n);
    assert.equal(textOf(frames, "stdout"), "hello\n");
    assert.deepEqual(exitOf(frames), { exitCode: 0, signal: "", timedOut: false, reason: "exit", errno: 0 });
  });

  it("keeps its outputs apart and its exit code", async () => {
    const frames = await collect(["fail", "oh no", "7"]);
    assert.deepEqual([textOf(frames, "stdout"), textOf(frames, "stderr")], ["", "oh no\n"]);
    assert.equal(exitOf(frames)?.exitCode, 7);
  });

  it("has the session's environment under the request's, and its directory", async () => {
    const env = textOf(await collect(["env"], { env: { BOTH: "request" } }), "stdout").split("\n");
    for (const line of ["FROM=session", "BOTH=request", "HOME=/home/tenki", "USER=tenki"]) {
      assert.ok(env.includes(line), line);
    }
    assert.equal(textOf(await collect(["pwd"], { cwd: "sub/dir" }), "stdout"), "/home/tenki/sub/dir\n");
  });

  it("is asked for as root, with a terminal and a time, of the sandbox", async () => {
    await collect(["true"], {
      privileged: true,
      pty: true,
      timeoutMs: 60_000,
      env: { COLUMNS: "132", LINES: "50" },
    });
    const command = bench.parts.runtime.sandboxes.get(session.id)?.commands.at(-1);
    assert.deepEqual(
      [command?.privileged, command?.terminal, command?.timeoutMs],
      [true, { columns: 132, rows: 50 }, 60_000],
    );
  });

  it("that cannot be started says why, with nothing before it", async () => {
    const frames = await collect(["no-such-program"]);
    assert.deepEqual(cases(frames), ["exit"]);
    const exit = exitOf(frames);
    assert.match(exit?.reason ?? "", /^spawn_failed: /);
    assert.equal(exit?.errno, 2);
  });

  it("that runs past its time is ended, and says so", async () => {
    const exit = exitOf(await collect(["wait"], { timeoutMs: 50 }));
    assert.deepEqual([exit?.timedOut, exit?.reason], [true, "timeout"]);
  });

  it("is signalled by name", async () => {
    for (const [sig, name] of [
      [RunSignal_Sig.TERM, "TERM"],
      [RunSignal_Sig.USR2, "USR2"],
    ] as const) {
      const call = open(["wait"]);
      await call.until("started");
      await call.send({ case: "signal", value: { signal: sig } });
      assert.deepEqual([exitOf(await call.end())?.signal, call.exits()], [name, 1]);
    }
  });

  it("ends with its caller", async () => {
    const leave = new AbortController();
    const call = open(["wait"], {}, leave.signal);
    await call.until("started");
    const { processes } = sandbox();
    assert.equal(processes.size, 1);
    leave.abort();
    const gone = await waitUntil(() => (processes.size === 0 ? true : undefined), { timeoutMs: 2_000 });
    assert.ok(gone, "it runs on");
    await call.end().catch(() => undefined);
  });

  it("in a session that does not run is refused with the state", async () => {
    await bench.sandbox.terminateSession({ sessionId: session.id });
    const { code, rawMessage } = await failureOf(collect(["true"]));
    assert.equal(code, Code.FailedPrecondition);
    assert.match(rawMessage, /terminated.*state=TERMINATED/);
  });

  it("whose sandbox dies is told what became of the session", async () => {
    const call = open(["wait"]);
    await call.until("started");
    bench.parts.runtime.die(session.id);
    const { code, rawMessage } = await failureOf(call.end());
    assert.equal(code, Code.FailedPrecondition);
    assert.match(rawMessage, /terminated/);
  });
});

describe("input", () => {
  it("is carried, granted as it is taken, and closed", async () => {
    const call = open(["cat"], { streamStdin: true });
    const started = await call.until("started");
    assert.equal(started?.payload.case === "started" && started.payload.value.stdinWindowBytes, 65_536);
    await call.send({ case: "stdin", value: Buffer.from("one ") });
    await call.until("flow");
    await call.send({ case: "stdin", value: Buffer.from("two") });
    await call.send({ case: "stdinClose", value: true });
    const frames = await call.end();
    assert.equal(textOf(frames, "stdout"), "one two");
    const granted = frames.reduce(
      (sum, { payload }) => sum + (payload.case === "flow" ? payload.value.stdinGrantBytes : 0),
      0,
    );
    assert.equal(granted, 7);
  });

  it("beyond the window arrives whole, from a caller who keeps to none", async () => {
    const call = open(["cat"], { streamStdin: true });
    const content = Buffer.alloc(1_000_003, "0123456789");
    await call.send({ case: "stdin", value: content });
    await call.send({ case: "stdinClose", value: true });
    assert.ok(bytesOf(await call.end(), "stdout").equals(content));
  });

  it("is at its end from the start where none is announced", async () => {
    const frames = await collect(["cat"]);
    const [started] = frames;
    assert.equal(started?.payload.case === "started" && started.payload.value.stdinWindowBytes, 0);
    assert.equal(exitOf(frames)?.exitCode, 0);
  });

  it("ends when the caller can say nothing more", async () => {
    const call = open(["cat"], { streamStdin: true });
    await call.send({ case: "stdin", value: Buffer.from("bye") });
    call.hangUp();
    assert.equal(textOf(await call.end(), "stdout"), "bye");
  });
});

describe("output", () => {
  it("in many small pieces comes in fewer messages, whole and in order", async () => {
    const frames = await collect(["flood", "2000"]);
    assert.equal(bytesOf(frames, "stdout").length, 2_000_000);
    assert.ok(cases(frames).length < 1_000, `${cases(frames).length} messages`);
  });
});

describe("a caller who", () => {
  it("says nothing is told so after a while", async () => {
    bench = new ServiceBench({ firstFrameMs: 50 });
    session = await bench.running();
    const nothing = new AsyncQueue<Frame>(1);
    const frames: RunResponse[] = [];
    for await (const { frame } of session.dataPlane.run(nothing)) if (frame) frames.push(frame);
    nothing.end();
    assert.deepEqual(cases(frames), ["exit"]);
    assert.match(exitOf(frames)?.reason ?? "", /^first_frame_timeout/);
  });

  for (const [what, frames] of Object.entries({
    "begins with input": [{ case: "stdin", value: Buffer.from("x") }],
    "begins with a signal": [{ case: "signal", value: { signal: RunSignal_Sig.TERM } }],
  } as const)) {
    it(`${what} is refused`, async () => {
      const call = session.dataPlane.run(
        (async function* () {
          for (const payload of frames) yield { frame: { payload } };
        })(),
      );
      assert.equal((await failureOf(all(call))).code, Code.InvalidArgument);
    });
  }

  const wrong: Record<string, Payload> = {
    "starts twice": { case: "start", value: { cmd: ["true"] } },
    "sends a signal that there is not": { case: "signal", value: {} },
  };
  for (const [what, payload] of Object.entries(wrong)) {
    it(`${what} is refused, and the command ended`, async () => {
      const call = open(["wait"]);
      await call.until("started");
      const { processes } = sandbox();
      await call.send(payload);
      assert.equal((await failureOf(call.end())).code, Code.InvalidArgument);
      assert.ok(await waitUntil(() => (processes.size === 0 ? true : undefined), { timeoutMs: 2_000 }));
    });
  }
});

type Payload = NonNullable<NonNullable<Frame["frame"]>["payload"]>;

const startFrame = (cmd: string[], options: Partial<RunStart> = {}): Frame => {
  const { cwd = "", env = {}, pty = false, streamStdin = false, timeoutMs = 0, privileged = false } = options;
  const value = { sessionId: session.id, cmd, cwd, env, pty, streamStdin, timeoutMs, privileged };
  return { frame: { payload: { case: "start", value } } };
};

async function* requests(cmd: string[], options: Partial<RunStart> = {}) {
  yield startFrame(cmd, options);
}

async function collect(cmd: string[], options: Partial<RunStart> = {}): Promise<RunResponse[]> {
  return all(session.dataPlane.run(requests(cmd, options)));
}

async function all(stream: AsyncIterable<{ frame?: RunResponse | undefined }>): Promise<RunResponse[]> {
  const frames: RunResponse[] = [];
  for await (const { frame } of stream) if (frame !== undefined) frames.push(frame);
  return frames;
}

/** A call that is talked with. */
function open(cmd: string[], options: Partial<RunStart> = {}, signal?: AbortSignal) {
  const outbound = new AsyncQueue<Frame>(1_000);
  void outbound.push(startFrame(cmd, options));
  const frames: RunResponse[] = [];
  const done = (async () => {
    for await (const { frame } of session.dataPlane.run(outbound, signal && { signal }))
      if (frame) frames.push(frame);
  })().finally(() => outbound.end());
  done.catch(() => undefined);
  return {
    send: (payload: Payload) => outbound.push({ frame: { payload } }),
    hangUp: () => outbound.end(),
    until: (name: string) =>
      waitUntil(() => frames.find(({ payload }) => payload.case === name), { timeoutMs: 2_000 }),
    exits: () => frames.filter(({ payload }) => payload.case === "exit").length,
    async end(): Promise<RunResponse[]> {
      await done;
      return frames;
    },
  };
}

function sandbox() {
  const found = bench.parts.runtime.sandboxes.get(session.id);
  if (found === undefined) throw new Error("the sandbox is gone");
  return found;
}

const cases = (frames: readonly RunResponse[]) => frames.map(({ payload }) => payload.case);

function pidOf([first]: readonly RunResponse[]): bigint {
  return first?.payload.case === "started" ? first.payload.value.pid : -1n;
}

function exitOf(frames: readonly RunResponse[]): Omit<RunExit, "$typeName" | "durationMs"> | undefined {
  const payload = frames.at(-1)?.payload;
  if (payload?.case !== "exit") return undefined;
  const { exitCode, signal, timedOut, reason, errno } = payload.value;
  return { exitCode, signal, timedOut, reason, errno };
}

const bytesOf = (frames: readonly RunResponse[], kind: "stdout" | "stderr"): Buffer =>
  Buffer.concat(frames.flatMap(({ payload }) => (payload.case === kind ? [payload.value] : [])));

const textOf = (frames: readonly RunResponse[], kind: "stdout" | "stderr"): string =>
  bytesOf(frames, kind).toString();
