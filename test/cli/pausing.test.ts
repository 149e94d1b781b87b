import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { SessionState } from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { goodToken, MemoryService } from "./support/memory-service.js";
import { TestWorld } from "./support/test-io.js";

interface Shown {
  readonly id: string;
  readonly state: string;
}

describe("pause and resume", () => {
  let service: MemoryService;
  let world: TestWorld;
  before(async () => {
    service = await MemoryService.start();
    world = await TestWorld.open({ TENKI_API_KEY: goodToken, TENKI_API_ENDPOINT: service.endpoint });
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    service.sessions.isSlow = false;
    for (const session of service.sessions.all()) service.sessions.setState(session, SessionState.TERMINATED);
    await world.ok(["sandbox", "create", "--name", "demo"]);
  });
  const stored = () => [...service.sessions.all()].at(-1) ?? service.sessions.byName("demo");
  const moveTo = (state: SessionState) => service.sessions.setState(stored(), state);

  it("print the session as it then is, the current one where none is named", async () => {
    const paused = await world.json<Shown>(["sandbox", "pause", "demo"]);
    assert.equal(paused.state, "PAUSED");
    assert.match(await world.ok(["sandbox", "get"]), /^paused_at\s*: 2026-01-01T/m);
    assert.match(await world.ok(["sandbox", "resume"]), /^state\s*: RUNNING$/m);
    assert.match(await world.ok(["sandbox", "pause", "-o", "yaml"]), /^state: PAUSED$/m);
    const found = await world.json<Shown[]>(["sandbox", "list", "--state", "paused"]);
    assert.deepEqual(
      found.map(({ id }) => id),
      [paused.id],
    );
  });

  const ways = [
    ["pause", "PAUSING", "PAUSED"],
    ["resume", "RESUMING", "RUNNING"],
  ] as const;
  for (const [verb, meanwhile, outcome] of ways) {
    it(`${verb} waits for its end, unless it is told not to`, async () => {
      if (verb === "resume") moveTo(SessionState.PAUSED);
      service.sessions.isSlow = true;
      assert.equal((await world.json<Shown>(["sandbox", verb, "--no-wait"])).state, meanwhile);
      moveTo(verb === "resume" ? SessionState.PAUSED : SessionState.RUNNING);
      const call = world.start(["sandbox", verb, "--json"]);
      const ended = call.ended;
      await settled(() => stored().watchers.size > 0);
      moveTo(SessionState[outcome]);
      assert.equal((JSON.parse((await ended).stdout) as Shown).state, outcome);
    });

    it(`${verb} gives up waiting when it is told to`, async () => {
      if (verb === "resume") moveTo(SessionState.PAUSED);
      service.sessions.isSlow = true;
      const { code, stderr } = await world.call(["sandbox", verb, "--wait-timeout", "50ms"]);
      assert.equal(code, 5);
      assert.match(stderr, new RegExp(`not ${outcome.toLowerCase()} after 50ms \\(state=${meanwhile}\\)`));
    });
  }

  it("resume fails, and says why, where it stays paused", async () => {
    await world.ok(["sandbox", "pause"]);
    service.sessions.isSlow = true;
    const ended = world.start(["sandbox", "resume"]).ended;
    await settled(() => stored().watchers.size > 0);
    stored().wire.lastResumeError = "no room";
    moveTo(SessionState.PAUSED);
    const { code, stderr } = await ended;
    assert.equal(code, 1);
    assert.match(stderr, /was not resumed: no room \(state=PAUSED\)/);
  });

  it("exec --resume resumes what is paused, and leaves alone what runs", async () => {
    const call = ["sandbox", "exec", "--resume", "-q", "--", "echo", "on"];
    assert.equal(await world.ok(call), "on\n");
    await world.ok(["sandbox", "pause"]);
    assert.equal(await world.ok(call), "on\n");
    assert.equal(stored().wire.state, SessionState.RUNNING);
  });

  it("exec --resume waits for a pause that is under way", async () => {
    service.sessions.isSlow = true;
    await world.ok(["sandbox", "pause", "--no-wait"]);
    service.sessions.isSlow = false;
    const ended = world.start(["sandbox", "exec", "--resume", "-q", "--", "echo", "on"]).ended;
    await settled(() => stored().watchers.size > 0);
    moveTo(SessionState.PAUSED);
    assert.deepEqual(await ended, { code: 0, stdout: "on\n", stderr: "" });
  });

  it("exec --resume resumes again where a pause comes between its look and its start", async () => {
    const before = service.sessions.commands.length;
    service.sessions.pausesBeforeRun = 2;
    assert.equal(await world.ok(["sandbox", "exec", "--resume", "-q", "--", "echo", "on"]), "on\n");
    assert.equal(service.sessions.commands.length, before + 1, "it ran once");
    service.sessions.pausesBeforeRun = 1_000;
    const { code, stderr } = await world.call(["sandbox", "exec", "--resume", "-q", "--", "echo", "on"]);
    service.sessions.pausesBeforeRun = 0;
    assert.equal(code, 125);
    assert.match(stderr, /state=PAUSED/);
  });

  it("exec without it is refused, with what mends it", async () => {
    await world.ok(["sandbox", "pause", "demo"]);
    const { code, stderr } = await world.call(["sandbox", "exec", "--session", "demo", "--", "true"]);
    assert.equal(code, 125);
    assert.match(stderr, /state=PAUSED\nhint: tenki sandbox resume demo\n$/);
  });
});

/** Lets calls go on until what they are to reach is reached. */
async function settled(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
