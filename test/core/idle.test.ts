import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Commands } from "../../src/engine/core/commands/commands.js";
import { Files } from "../../src/engine/core/files/files.js";
import type { Reaper } from "../../src/engine/core/sessions/reaper.js";
import { settle } from "./fake-clock.js";
import { refused } from "./refused.js";
import { hourMs, minuteMs, Workbench } from "./workbench.js";

const signal = new AbortController().signal;

describe("a session that is idle", () => {
  let bench: Workbench;
  let reaper: Reaper;
  beforeEach(async () => {
    bench = new Workbench();
    reaper = bench.reaper();
    await reaper.tick();
  });
  const stateOf = (id: string) => bench.sessions.get(id).state;
  const idle = (request: Parameters<Workbench["create"]>[0] = {}) =>
    bench.createRunning({ idleTimeoutMinutes: 10, ...request });
  const run = async (id: string, ...argv: string[]) => {
    const request = { argv, cwd: "", env: {}, terminal: false, privileged: false, timeoutMs: 0 };
    const spawned = await new Commands(bench.sessions, bench.parts.runtime).run(id, request, signal);
    assert.ok(spawned.started);
    return spawned.process;
  };

  it("is paused after its time, not before", async () => {
    const { id } = await idle();
    await bench.clock.advance(10 * minuteMs - 1);
    assert.equal(stateOf(id), "RUNNING");
    await bench.clock.advance(1);
    const paused = await bench.until(id, "PAUSED");
    assert.deepEqual(paused.pausedAt, bench.clock.now());
    assert.equal(bench.parts.runtime.sandboxes.get(id)?.isPaused, true);
  });

  it("is never paused where it said 0, or nothing, or that it is sticky", async () => {
    const ids = [
      (await idle({ idleTimeoutMinutes: 0 })).id,
      (await idle({ idleTimeoutMinutes: undefined })).id,
      (await idle({ sticky: true })).id,
    ];
    await bench.clock.advance(100 * hourMs);
    assert.deepEqual(ids.map(stateOf), ["RUNNING", "RUNNING", "RUNNING"]);
  });

  it("is paused once it is sticky no more", async () => {
    const { id } = await idle({ sticky: true });
    await bench.clock.advance(hourMs);
    await bench.update(id, { sticky: false });
    await bench.clock.advance(15_000);
    await bench.until(id, "PAUSED");
  });

  it("two hundred of them are paused by one look", async () => {
    const ids = Array.from({ length: 200 }, () => bench.create({ idleTimeoutMinutes: 10 }).id);
    await Promise.all(ids.map((id) => bench.until(id, "RUNNING")));
    bench.clock.set(new Date(bench.clock.now().getTime() + 10 * minuteMs));
    await reaper.tick();
    await Promise.all(ids.map((id) => bench.until(id, "PAUSED")));
    assert.equal(bench.parts.disks.persisted.size, 200);
    assert.equal(bench.list({ states: ["RUNNING"] }).sessions.length, 0);
  });

  it("counts from its last use, and looking at it is no use", async () => {
    const { id } = await idle();
    await bench.clock.advance(9 * minuteMs);
    bench.sessions.reportActivity(id);
    for (let minute = 0; minute < 9; minute += 1) {
      await bench.clock.advance(minuteMs);
      bench.sessions.get(id);
      bench.list();
      await bench.sessions.observe(id);
    }
    assert.equal(stateOf(id), "RUNNING");
    await bench.clock.advance(minuteMs);
    await bench.until(id, "PAUSED");
  });

  it("counts anew after a resume", async () => {
    const { id } = await idle();
    await bench.clock.advance(hourMs);
    await bench.until(id, "PAUSED");
    await bench.sessions.resume(id);
    await bench.clock.advance(10 * minuteMs - 1);
    assert.equal(stateOf(id), "RUNNING");
    await bench.clock.advance(1);
    await bench.until(id, "PAUSED");
  });

  it("is not idle while a command runs in it, for however long; it is from its end on", async () => {
    const { id } = await idle();
    const command = await run(id, "wait");
    const ended = (async () => {
      for await (const event of command.events) if (event.kind === "exit") return;
    })();
    await bench.clock.advance(hourMs);
    assert.equal(stateOf(id), "RUNNING");
    command.signal("TERM");
    await ended;
    assert.deepEqual(bench.sessions.get(id).lastActivityAt, bench.clock.now());
    await bench.clock.advance(10 * minuteMs - 1);
    assert.equal(stateOf(id), "RUNNING");
    await bench.clock.advance(1);
    await bench.until(id, "PAUSED");
  });

  it("is not idle while a file goes in or out, and is when the reader has let go", async () => {
    const { id } = await idle();
    const files = new Files(bench.sessions, bench.parts.runtime, bench.parts.disks);
    let finish: () => void = () => undefined;
    const slow = (async function* () {
      await new Promise<void>((resolve) => (finish = resolve));
      yield Buffer.from("late");
    })();
    const writing = files.write(id, "a", slow, { mode: 0, truncate: true, sync: false });
    await bench.clock.advance(hourMs);
    assert.equal(stateOf(id), "RUNNING");
    finish();
    await writing;
    const { chunks } = await files.read(id, "a", { offset: 0, length: 0, chunkBytes: 1 });
    for await (const _ of chunks) {
      await bench.clock.advance(hourMs);
      assert.equal(stateOf(id), "RUNNING");
      break;
    }
    await bench.clock.advance(10 * minuteMs);
    await bench.until(id, "PAUSED");
  });

  it("is not idle while somebody holds it, and is when the last one has let go", async () => {
    const { id } = await idle();
    const [one, two] = [bench.sessions.hold(id), bench.sessions.hold(id)];
    await bench.clock.advance(hourMs);
    one();
    one();
    await bench.clock.advance(hourMs);
    assert.equal(stateOf(id), "RUNNING");
    two();
    assert.deepEqual(bench.sessions.get(id).lastActivityAt, bench.clock.now());
    await bench.clock.advance(10 * minuteMs);
    await bench.until(id, "PAUSED");
  });

  it("that is paused is not used by being held, and not by being let go", async () => {
    const { id, lastActivityAt } = await idle();
    const before_ = bench.sessions.hold(id);
    await bench.clock.advance(minuteMs);
    const { lastActivityAt: at } = await bench.sessions.pause(id);
    await bench.clock.advance(minuteMs);
    bench.sessions.hold(id)();
    before_();
    assert.deepEqual(bench.sessions.get(id).lastActivityAt, at);
    assert.notDeepEqual(at, lastActivityAt);
    assert.throws(() => bench.sessions.hold("nope"), refused("not_found", "session not found"));
  });

  it("that was held when the engine was lost is not taken for idle by the next one", async () => {
    const { id } = await idle();
    bench.sessions.hold(id);
    await bench.clock.advance(hourMs);
    reaper.stop();
    await bench.lose().recover();
    const next = bench.reaper();
    await next.tick();
    await settle();
    assert.equal(stateOf(id), "RUNNING");
    await bench.clock.advance(10 * minuteMs);
    await bench.until(id, "PAUSED");
    next.stop();
  });

  it("is paused right after a restart, and after the clock was set forward", async () => {
    const { id } = await idle();
    reaper.stop();
    bench.clock.set(new Date(bench.clock.now().getTime() + hourMs));
    await bench.lose().recover();
    const next = bench.reaper();
    await next.tick();
    await bench.until(id, "PAUSED");
    const other = await idle();
    bench.clock.set(new Date(bench.clock.now().getTime() + hourMs));
    await bench.clock.advance(15_000);
    await bench.until(other.id, "PAUSED");
    next.stop();
  });

  it("that is used while its pause waits for its turn runs on", async () => {
    const { id } = await idle();
    bench.clock.set(new Date(bench.clock.now().getTime() + 10 * minuteMs));
    const ticking = reaper.tick();
    bench.sessions.reportActivity(id);
    await ticking;
    await settle();
    assert.equal(stateOf(id), "RUNNING");
  });

  it("that cannot be paused runs on, and is tried again when it was idle for as long again", async () => {
    const { id } = await idle();
    bench.parts.steps.fail("runtime.pause");
    const tries = () => bench.parts.steps.taken.filter((step) => step === "runtime.pause").length;
    await bench.clock.advance(10 * minuteMs);
    await settle();
    assert.equal(stateOf(id), "RUNNING");
    await bench.clock.advance(10 * minuteMs - 1);
    assert.equal(tries(), 1);
    await bench.clock.advance(1);
    await bench.until(id, "PAUSED");
    assert.ok(bench.logged.some(({ level, text }) => level === "error" && text.includes("told to fail")));
  });
});
