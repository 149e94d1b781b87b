import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CommandFailedError,
  CommandTimeoutError,
  checkResult,
  stderrText,
  stdoutText,
} from "../../src/client/index.js";
import { RunSignal_Sig, type RunStart } from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import {
  exited,
  scriptedService,
  sessionId,
  started,
  stderr,
  stdout,
  up,
  type Script,
} from "./scripted-service.js";

/** Answers every command with what it was called with. */
function echo(seen: RunStart[] = [], exit: Parameters<typeof exited>[0] = {}): Script {
  return {
    dataPlane: {
      run: async function* (messages) {
        let input = "";
        for await (const payload of up(messages)) {
          if (payload.case === "stdin") input += Buffer.from(payload.value).toString();
          if (payload.case === "stdinClose") break;
          if (payload.case !== "start") continue;
          seen.push(payload.value);
          yield started();
          if (!payload.value.streamStdin) break;
        }
        yield stdout(`read ${input}`);
        yield stderr("warned");
        yield exited(exit);
      },
    },
  };
}

test("exec returns what a command wrote and how it ended", async () => {
  const seen: RunStart[] = [];
  await using service = await scriptedService(echo(seen));
  const result = await service
    .client()
    .session(sessionId)
    .exec("cat", { args: ["-n"], input: "some text", cwd: "src" });
  assert.equal(result.status, "SUCCEEDED");
  assert.equal(result.exitCode, 0);
  assert.equal(result.durationMs, 12);
  assert.equal(stdoutText(result), "read some text");
  assert.equal(stderrText(result), "warned");
  assert.deepEqual([result.sessionId, result.command, result.args], [sessionId, "cat", ["-n"]]);
  assert.deepEqual([seen[0]?.cmd, seen[0]?.cwd, seen[0]?.timeoutMs], [["cat", "-n"], "src", 30_000]);
  assert.equal(result.endedAt.getTime() - result.startedAt.getTime(), 12);
});

test("a command that fails is a result, and an error where it is checked", async () => {
  await using service = await scriptedService(echo([], { exitCode: 3 }));
  const result = await service.client().session(sessionId).exec("make");
  assert.equal(result.status, "FAILED");
  assert.equal(result.exitCode, 3);
  assert.throws(
    () => checkResult(result),
    (error: unknown) => {
      assert.ok(error instanceof CommandFailedError);
      assert.equal(error.message, "make failed with exit code 3: warned");
      assert.equal(error.result, result);
      return true;
    },
  );
});

test("a command out of time is an error that has what was written", async () => {
  await using service = await scriptedService(echo([], { exitCode: -1, timedOut: true, reason: "timeout" }));
  const running = service
    .client()
    .session(sessionId)
    .exec("sleep", { args: ["999"], timeoutMs: 1_000 });
  await assert.rejects(running, (error: unknown) => {
    assert.ok(error instanceof CommandTimeoutError);
    assert.equal(error.kind, "deadline_exceeded");
    assert.equal(error.message, "sleep did not end within 1s");
    assert.equal(error.result?.status, "TIMED_OUT");
    assert.equal(stdoutText(error.result), "read ");
    return true;
  });
});

test("output is told as it comes, and the command waits for the telling", async () => {
  await using service = await scriptedService(echo());
  const told: string[] = [];
  await service
    .client()
    .session(sessionId)
    .exec("cat", {
      onOutput: async ({ data, isStderr }) => {
        told.push(`begin ${isStderr ? "stderr" : "stdout"}`);
        await Promise.resolve();
        told.push(Buffer.from(data).toString());
      },
    });
  assert.deepEqual(told, ["begin stdout", "read ", "begin stderr", "warned"]);
});

test("a listener that fails ends the command", async () => {
  let gone: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (gone = resolve));
  await using service = await scriptedService({
    dataPlane: {
      run: async function* (_messages, { signal }) {
        signal.addEventListener("abort", gone);
        yield started();
        yield stdout("x");
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    },
  });
  const running = service
    .client()
    .session(sessionId)
    .exec("yes", {
      onOutput: () => {
        throw new Error("full");
      },
    });
  await assert.rejects(running, { message: "full" });
  await ended;
});

test("a command that does not read its input to the end is no error", async () => {
  await using service = await scriptedService({
    dataPlane: {
      run: async function* () {
        yield started(4);
        yield exited();
      },
    },
  });
  const result = await service
    .client()
    .session(sessionId)
    .exec("true", { input: new Uint8Array(100_000) });
  assert.equal(result.status, "SUCCEEDED");
});

test("a stream is read piece by piece, and ends with null", async () => {
  await using service = await scriptedService(echo([], { exitCode: 5 }));
  const stream = await service.client().session(sessionId).stream("cat");
  const first = await stream.next();
  assert.equal(Buffer.from(first?.data ?? []).toString(), "read ");
  assert.equal(first?.isStderr, false);
  assert.equal((await stream.next())?.isStderr, true);
  assert.equal(await stream.next(), null);
  const result = await stream.wait();
  assert.deepEqual([result.status, result.exitCode], ["FAILED", 5]);
});

test("waiting for a stream that was not read drops its output", async () => {
  await using service = await scriptedService(echo());
  const stream = await service.client().session(sessionId).stream("cat");
  assert.equal((await stream.wait()).exitCode, 0);
  assert.equal(await stream.next(), null);
});

test("cancelling a stream ends the command", async () => {
  let gone: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (gone = resolve));
  await using service = await scriptedService({
    dataPlane: {
      run: async function* (_messages, { signal }) {
        signal.addEventListener("abort", gone);
        yield started();
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    },
  });
  const stream = await service.client().session(sessionId).stream("sleep");
  stream.cancel();
  await ended;
  await assert.rejects(stream.wait(), { kind: "cancelled" });
});

test("run can simply be awaited, and gives its command an empty stdin", async () => {
  await using service = await scriptedService(echo([], { exitCode: 2 }));
  const result = await service.client().session(sessionId).run(["cat"]);
  assert.equal(result.exitCode, 2);
  assert.equal(stdoutText(result), "read ");
  assert.equal(stderrText(result), "warned");
  assert.equal(result.reason, "exit");
});

test("run's streams are web streams, and what goes through them is not kept", async () => {
  await using service = await scriptedService(echo());
  const process = service.client().session(sessionId).run(["cat"]);
  assert.equal(await process.pid, 7);
  const writer = process.stdin.getWriter();
  await writer.write(Buffer.from("typed"));
  await writer.close();
  let text = "";
  for await (const chunk of process.stdout) text += Buffer.from(chunk).toString();
  assert.equal(text, "read typed");
  const result = await process;
  assert.deepEqual([stdoutText(result), stderrText(result)], ["", "warned"]);
});

test("run passes a stream on as stdin", async () => {
  await using service = await scriptedService(echo());
  const stdin = new Response("from a stream").body ?? undefined;
  const result = await service.client().session(sessionId).run(["cat"], { stdin });
  assert.equal(stdoutText(result), "read from a stream");
});

test("run's reader holds the command back", async () => {
  let sent = 0;
  await using service = await scriptedService({
    dataPlane: {
      run: async function* () {
        yield started();
        for (; sent < 2_000; sent++) yield stdout(new Uint8Array(32 * 1024));
        yield exited();
      },
    },
  });
  const process = service.client().session(sessionId).run(["yes"]);
  const reader = process.stdout.getReader();
  await reader.read();
  await process.pid;
  assert.ok(sent < 1_000, `${sent} pieces were sent ahead`);
  await reader.cancel();
  assert.equal((await process).exitCode, 0);
});

test("run sends the signals that there are, and refuses others", async () => {
  await using service = await scriptedService({
    dataPlane: {
      run: async function* (messages) {
        yield started();
        for await (const payload of up(messages)) {
          if (payload.case !== "signal") continue;
          yield exited({
            signal: payload.value.signal === RunSignal_Sig.INT ? "INT" : "KILL",
            reason: "signaled",
            exitCode: 130,
          });
          return;
        }
      },
    },
  });
  const session = service.client().session(sessionId);
  const one = session.run(["sleep", "9"]);
  await assert.rejects(one.signal("SIGWINCH"), { kind: "invalid_argument" });
  await one.signal("SIGINT");
  assert.equal((await one).signal, "INT");
  const other = session.run(["sleep", "9"]);
  await other.kill();
  assert.equal((await other).signal, "KILL");
});

test("a run that cannot be started says so, whoever listens", async () => {
  await using service = await scriptedService({});
  const process = service.client().session(sessionId).run(["x"]);
  await assert.rejects(Promise.resolve(process), { kind: "unimplemented" });
  await assert.rejects(process.pid, { kind: "unimplemented" });
  await assert.rejects(process.stdout.getReader().read(), { kind: "unimplemented" });
});
