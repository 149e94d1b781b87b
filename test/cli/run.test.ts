import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { SessionState } from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { goodToken, MemoryService } from "./support/memory-service.js";
import { type CallOptions, TestWorld } from "./support/test-io.js";

describe("run", () => {
  let service: MemoryService;
  let world: TestWorld;
  before(async () => {
    service = await MemoryService.start();
    world = await TestWorld.open({ TENKI_API_KEY: goodToken, TENKI_API_ENDPOINT: service.endpoint });
    await world.ok(["sandbox", "create", "--name", "current"]);
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });
  const run = (args: readonly string[], options?: CallOptions) =>
    world.call(["sandbox", "run", ...args], options);
  const start = (args: readonly string[], options?: CallOptions) =>
    world.start(["sandbox", "run", ...args], options);
  const idOf = (name: string) => service.sessions.byName(name).wire.id;
  const stateOf = (name: string) => SessionState[service.sessions.byName(name).wire.state];

  it("runs one command in a session of its own, ends with its code, and leaves nothing", async () => {
    const { code, stdout, stderr } = await run(["--name", "one", "-c", "echo out; echo err >&2; exit 7"]);
    assert.deepEqual({ code, stdout }, { code: 7, stdout: "out\n" });
    assert.match(stderr, /^err\nstatus: FAILED, exit code 7, .*\n$/);
    assert.equal(stateOf("one"), "TERMINATED");
    assert.match(await world.ok(["status"]), new RegExp(`session_id +: ${idOf("current")}`));
  });

  it("makes the session as create would, and gives the command its surroundings", async () => {
    const flags = [
      "--name",
      "made",
      "--cpu",
      "3",
      "--tags",
      "ci",
      "-e",
      "A=1",
      "--user",
      "root",
      "--cwd",
      "/",
    ];
    const { stdout } = await run([...flags, "-q", "--", "sh", "-c", "echo $A $PWD"]);
    assert.equal(stdout, "1 /\n");
    const created = service.sessions.created.at(-1);
    assert.deepEqual([created?.cpuCores, created?.tags, created?.env], [3, ["ci"], { A: "1" }]);
    assert.equal(service.commands.at(-1)?.privileged, true);
  });

  it("passes stdin on, and says in JSON which session it was", async () => {
    const { stdout } = await run(["--name", "piped", "--json", "--", "cat"], { input: "typed" });
    const result = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual([result["session_id"], result["stdout"]], [idOf("piped"), "typed"]);
  });

  it("leaves nothing where the command cannot be started, or past its time", async () => {
    assert.equal((await run(["--name", "nope", "-q", "--", "no-such-program"])).code, 127);
    assert.equal((await run(["--name", "late", "-q", "--timeout", "50ms", "--", "sleep", "60"])).code, 124);
    assert.deepEqual([stateOf("nope"), stateOf("late")], ["TERMINATED", "TERMINATED"]);
  });

  it("leaves nothing where the session does not become ready in time", async () => {
    service.sessions.holdsNewOnes = true;
    const { code, stderr } = await run(["--name", "stuck", "--wait-timeout", "50ms", "--", "true"]);
    service.sessions.holdsNewOnes = false;
    assert.equal(code, 125);
    assert.match(stderr, /was not running after 50ms/);
    assert.equal(stateOf("stuck"), "TERMINATED");
  });

  it("leaves nothing when it is interrupted before the command runs", async () => {
    service.sessions.holdsNewOnes = true;
    const call = start(["--name", "early", "--", "true"]);
    const made = () => service.sessions.created.find(({ name }) => name === "early");
    assert.ok(await waitUntil(made, { timeoutMs: 5_000 }));
    call.signal("SIGINT");
    assert.equal((await call.ended).code, 130);
    service.sessions.holdsNewOnes = false;
    assert.equal(stateOf("early"), "TERMINATED");
  });

  it("passes Ctrl-C on first, and leaves nothing behind it", async () => {
    const call = start([
      "--name",
      "minds",
      "-q",
      "--",
      "sh",
      "-c",
      "trap 'echo int; exit 9' INT; echo ready; while :; do sleep 0.05; done",
    ]);
    await call.shows("stdout", /ready/);
    call.signal("SIGINT");
    assert.equal((await call.ended).code, 9);
    assert.equal(stateOf("minds"), "TERMINATED");
    const stubborn = start([
      "--name",
      "stubborn",
      "-q",
      "--",
      "sh",
      "-c",
      "trap '' INT TERM; echo ready; while :; do sleep 0.05; done",
    ]);
    await stubborn.shows("stdout", /ready/);
    for (let i = 0; i < 3; i++) stubborn.signal("SIGINT");
    assert.equal((await stubborn.ended).code, 130);
    assert.equal(stateOf("stubborn"), "TERMINATED");
  });

  it("leaves nothing at SIGTERM and SIGHUP, nor when nobody reads its output any more", async () => {
    for (const [name, code] of [
      ["TERM", 143],
      ["HUP", 129],
    ] as const) {
      const call = start(["--name", name, "-q", "--", "sh", "-c", "echo ready; exec sleep 60"]);
      await call.shows("stdout", /ready/);
      call.signal(`SIG${name}`);
      assert.equal((await call.ended).code, code);
      assert.equal(stateOf(name), "TERMINATED");
    }
    const call = start(["--name", "head", "--", "sh", "-c", "echo ready >&2; exec yes"]);
    await call.shows("stderr", /ready/);
    call.stdout.breakPipe();
    assert.equal((await call.ended).code, 141);
    assert.equal(stateOf("head"), "TERMINATED");
  });

  it("keeps the session with --keep, says which, and makes it the current one", async () => {
    const { code, stderr } = await run(["--name", "kept", "--keep", "--", "false"]);
    assert.equal(code, 1);
    const id = idOf("kept");
    assert.match(stderr, new RegExp(`session ${id} is kept, and is the current one\n$`));
    assert.equal(stateOf("kept"), "RUNNING");
    assert.match(await world.ok(["status"]), new RegExp(`session_id +: ${id}`));
    await world.ok(["sandbox", "set", "current"]);
  });

  it("makes no session for words that are wrong", async () => {
    const before = service.sessions.created.length;
    assert.equal((await run([])).code, 2);
    assert.equal((await run(["-t", "--json", "--", "true"])).code, 2);
    assert.equal((await run(["--env-file", "nowhere", "--", "true"])).code, 125);
    assert.equal(service.sessions.created.length, before);
  });
});

describe("shell", () => {
  it("opens a login shell on a terminal, and is refused where there is none", async () => {
    await using service = await MemoryService.start();
    await using world = await TestWorld.open({
      TENKI_API_KEY: goodToken,
      TENKI_API_ENDPOINT: service.endpoint,
    });
    await world.ok(["sandbox", "create", "--name", "demo"]);
    const call = world.start(["sandbox", "shell", "demo", "--user", "root"], {
      terminal: ["stdin", "stdout"],
    });
    call.stdin.push("shopt -q login_shell && echo login $((40+2)); exit 5\n");
    assert.equal((await call.ended).code, 5);
    assert.match(call.stdout.text, /login 42/);
    assert.deepEqual(call.stdin.raw, [true, false]);
    assert.deepEqual([service.commands.at(-1)?.pty, service.commands.at(-1)?.privileged], [true, true]);
    const { code, stderr } = await world.call(["sandbox", "shell"]);
    assert.equal(code, 2);
    assert.match(stderr, /^error: stdin is no terminal\nhint: tenki sandbox exec -c/);
  });
});
