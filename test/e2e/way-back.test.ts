import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type AttachExecutionRequestSchema,
  type AttachOpenSchema,
  ExecutionState,
} from "../../src/gen/tenki/engine/v1/execution_pb.js";
import type {
  RunStartSchema,
  SandboxSessionDataPlaneServiceRunRequestSchema,
} from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { AsyncQueue } from "../../src/lib/async-queue.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { type RawClient, rawClient } from "./support/raw-client.js";
import { type EngineStarted, Workbench } from "./support/tenki.js";

const lines = 300_000;
/** Every line that there is, once and in its order. */
const numbered = Array.from({ length: lines }, (_, at) => `${at + 1}\n`).join("");

let bench: Workbench;
let engine: EngineStarted;
let client: RawClient;
let sessionId: string;
before(async () => {
  bench = await Workbench.open();
  engine = await bench.startEngine();
  client = rawClient(engine.endpoint, engine.token);
  const { session } = await client.sandbox.createSession({
    ...{ ownerType: "SERVICE", ownerId: "self", waitReady: true },
  });
  sessionId = session?.id ?? "";
});
after(() => bench.close());

/** The same address, as a client knows no other. */
async function restart(): Promise<void> {
  engine = await bench.startEngine("--listen", new URL(engine.endpoint).host);
  client = rawClient(engine.endpoint, engine.token);
}

async function kill(): Promise<void> {
  process.kill(engine.pid, "SIGKILL");
  await restart();
}

/** One stream to a command. */
class Stream<Frame> {
  readonly #end: Promise<void>;
  readonly frames = new AsyncQueue<Frame>(1_000);
  text = "";
  granted = 0;
  attached: { outputOffset: bigint; stdinReceived: bigint; stdinWindowBytes: number } | undefined;
  exitCode: number | undefined;

  constructor(first: Frame, open: (frames: AsyncIterable<Frame>) => AsyncIterable<Payload>) {
    void this.frames.push(first);
    this.#end = this.#read(open(this.frames));
    this.#end.catch(() => undefined); // told to who asks for the end
  }

  async until(isSo: () => boolean): Promise<void> {
    const found = await Promise.race([
      waitUntil(() => isSo() || undefined, { timeoutMs: 60_000 }),
      this.#end.then(isSo),
    ]);
    assert.ok(found, `it did not come to that: …${this.text.slice(-200)}`);
  }

  /** The exit code; throws where it broke off. */
  async end(): Promise<number | undefined> {
    await this.#end;
    return this.exitCode;
  }

  async #read(payloads: AsyncIterable<Payload>): Promise<void> {
    for await (const payload of payloads) {
      if (payload.case === "stdout") this.text += Buffer.from(payload.value).toString("latin1");
      else if (payload.case === "flow") this.granted += payload.value.stdinGrantBytes;
      else if (payload.case === "attached") this.attached = payload.value;
      else if (payload.case === "exit") this.exitCode = payload.value.exitCode;
    }
  }
}

type Payload =
  | { readonly case: "stdout" | "stderr"; readonly value: Uint8Array }
  | { readonly case: "flow"; readonly value: { readonly stdinGrantBytes: number } }
  | { readonly case: "attached"; readonly value: NonNullable<Stream<unknown>["attached"]> }
  | { readonly case: "exit"; readonly value: { readonly exitCode: number } }
  | { readonly case: "started" | undefined; readonly value?: unknown };

type AttachFrame = MessageInitShape<typeof AttachExecutionRequestSchema>;
type RunFrame = MessageInitShape<typeof SandboxSessionDataPlaneServiceRunRequestSchema>;

function attach(open: MessageInitShape<typeof AttachOpenSchema>): Stream<AttachFrame> {
  return new Stream<AttachFrame>({ payload: { case: "open", value: open } }, async function* (frames) {
    for await (const { payload } of client.executions.attachExecution(frames)) yield payload;
  });
}

async function run(id: string, start: MessageInitShape<typeof RunStartSchema>): Promise<Stream<RunFrame>> {
  const { credential } = await client.sandbox.createSessionCredential({ sessionId });
  const dataPlane = client.dataPlane(credential?.credential ?? "");
  const headers = { "x-tenki-execution": id };
  const first = { frame: { payload: { case: "start" as const, value: { sessionId, ...start } } } };
  return new Stream<RunFrame>(first, async function* (frames) {
    for await (const { frame } of dataPlane.run(frames, { headers })) {
      if (frame?.payload !== undefined) yield frame.payload;
    }
  });
}

const codeOf = async (call: Promise<unknown>): Promise<Code | undefined> =>
  call.then(
    () => undefined,
    (error: unknown) => ConnectError.from(error).code,
  );

/** Slow enough for the engine to be killed in the middle of it, wherever that is. */
const count = `i=1; while [ $i -le ${lines} ]; do seq $i $((i + 999)); i=$((i + 1000)); sleep 0.01; done`;

describe("a command of Run whose engine is killed", () => {
  it("says every line once to a caller who comes back", async () => {
    const id = randomUUID();
    const first = await run(id, { cmd: ["sh", "-c", count] });
    await first.until(() => first.text.length > 200_000);
    await kill();
    await assert.rejects(first.end());
    const second = attach({ sessionId, executionId: id, outputOffset: BigInt(first.text.length) });
    await second.until(() => second.text.length > 200_000);
    await kill();
    await assert.rejects(second.end());
    const received = first.text + second.text;
    const third = attach({ sessionId, executionId: id, outputOffset: BigInt(received.length) });
    assert.equal(await third.end(), 0);
    assert.ok(received + third.text === numbered, "some bytes came twice, or not at all");
    assert.equal(
      await codeOf(attach({ sessionId, executionId: id }).end()),
      Code.NotFound,
      "it is let go of",
    );
  });

  it("gets every byte of its input once, half of it later", async () => {
    const id = randomUUID();
    const input = Buffer.from(numbered.slice(0, 200_000));
    const first = await run(id, { cmd: ["cat"], streamStdin: true });
    void first.frames.push({
      frame: { payload: { case: "stdin", value: input.subarray(0, 100_000) } },
    });
    await first.until(() => first.text.length > 0);
    await kill();
    await assert.rejects(first.end());
    const second = attach({ sessionId, executionId: id, outputOffset: BigInt(first.text.length) });
    await second.until(() => second.attached !== undefined);
    const { stdinReceived = 0n } = second.attached ?? {};
    assert.ok(stdinReceived <= 100_000n);
    for (let at = Number(stdinReceived); at < input.length; at += 10_000) {
      void second.frames.push({ payload: { case: "stdin", value: input.subarray(at, at + 10_000) } });
    }
    void second.frames.push({ payload: { case: "stdinClose", value: {} } });
    assert.equal(await second.end(), 0);
    assert.ok(first.text + second.text === input.toString(), "some bytes came twice, or not at all");
  });

  it("tells how it ended to a caller who comes back after that", async () => {
    const id = randomUUID();
    const first = await run(id, { cmd: ["sh", "-c", "echo begun; sleep 1; echo done; exit 7"] });
    await first.until(() => first.text === "begun\n");
    await kill();
    await assert.rejects(first.end());
    const second = attach({ sessionId, executionId: id, outputOffset: 6n });
    assert.deepEqual([await second.end(), second.text], [7, "done\n"]);
  });
});

describe("an execution whose engine is killed", () => {
  const start = async (script: string, takesInput = false) => {
    const request = { sessionId, argv: ["sh", "-c", script], takesInput };
    return (await client.executions.startExecution(request)).execution?.id ?? "";
  };

  it("is recorded with every line once, whoever looked on", async () => {
    const id = await start(count);
    const early = attach({ executionId: id });
    await early.until(() => early.text.length > 200_000);
    await kill();
    await assert.rejects(early.end());
    const goesOn = attach({ executionId: id, outputOffset: BigInt(early.text.length) });
    await kill();
    await assert.rejects(goesOn.end());
    const late = attach({ executionId: id });
    assert.equal(await late.end(), 0);
    assert.ok(late.text === numbered, "some bytes were recorded twice, or not at all");
    assert.ok(numbered.startsWith(early.text + goesOn.text));
    const { execution } = await client.executions.getExecution({ executionId: id });
    assert.deepEqual(
      [execution?.state, execution?.outputBytes],
      [ExecutionState.SUCCEEDED, BigInt(numbered.length)],
    );
  });

  it("has ended when it did while no engine was there", async () => {
    const id = await start("read line; echo got $line; exit 3", true);
    const typist = attach({ executionId: id });
    await typist.until(() => typist.attached !== undefined);
    void typist.frames.push({ payload: { case: "stdin", value: Buffer.from("it\n") } });
    process.kill(engine.pid, "SIGKILL");
    await assert.rejects(typist.end());
    await restart();
    const again = attach({ executionId: id });
    await again.until(() => again.attached !== undefined);
    if (again.attached?.stdinReceived === 0n) {
      void again.frames.push({ payload: { case: "stdin", value: Buffer.from("it\n") } });
    }
    assert.deepEqual([await again.end(), again.text], [3, "got it\n"]);
    const { execution } = await client.executions.waitExecution({ executionId: id });
    assert.deepEqual([execution?.state, execution?.exit?.exitCode], [ExecutionState.FAILED, 3]);
  });

  it("goes on when the engine stops, and cuts who looks on", async () => {
    const id = await start("read line; echo $line", true);
    const looking = attach({ executionId: id });
    await looking.until(() => looking.attached !== undefined);
    await bench.ok(["engine", "stop"]);
    assert.equal(await codeOf(looking.end()), Code.Unavailable);
    await restart();
    const again = attach({ executionId: id });
    await again.until(() => again.attached !== undefined);
    assert.ok((again.attached?.stdinWindowBytes ?? 0) > 0);
    void again.frames.push({ payload: { case: "stdin", value: Buffer.from("still here\n") } });
    assert.deepEqual([await again.end(), again.text], [0, "still here\n"]);
  });

  it("stands still with its session, over a restart too, and ends when that does", async () => {
    const id = await start("while :; do echo tick; sleep 0.05; done");
    const looking = attach({ executionId: id });
    await looking.until(() => looking.text.includes("tick"));
    await client.sandbox.pauseSession({ sessionId });
    await kill();
    const state = async () => (await client.executions.getExecution({ executionId: id })).execution?.state;
    assert.equal(await state(), ExecutionState.RUNNING);
    await client.sandbox.resumeSession({ sessionId });
    const before = (await client.executions.getExecution({ executionId: id })).execution?.outputBytes ?? 0n;
    const goesOn = attach({ executionId: id, outputOffset: before });
    await goesOn.until(() => goesOn.text.includes("tick"));
    await client.sandbox.terminateSession({ sessionId });
    assert.equal(await codeOf(goesOn.end()), Code.Aborted);
    assert.equal(await state(), ExecutionState.LOST);
  });
});
