import assert from "node:assert/strict";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { after, before, beforeEach, describe, it } from "node:test";
import { SessionState } from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { assertGolden } from "./support/golden.js";
import { goodToken, MemoryService } from "./support/memory-service.js";
import { TestWorld } from "./support/test-io.js";

interface Shown {
  readonly id: string;
  readonly name: string;
  readonly state: string;
}

describe("sessions", () => {
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
  beforeEach(() => {
    service.sessions.holdsNewOnes = false;
    for (const session of service.sessions.all()) service.sessions.setState(session, SessionState.TERMINATED);
  });
  const create = (name: string, ...args: string[]) =>
    world.json<Shown>(["sandbox", "create", "--name", name, ...args]);
  const current = async () => (await world.call(["config", "get", "current_session_id"])).stdout.trim();

  describe("create", () => {
    it("passes on what was asked for", async () => {
      await writeFile(join(world.home, "variables"), "# a comment\n\nexport A=from file\nB=kept\n");
      await writeFile(join(world.home, "keys"), "# mine\nssh-ed25519 AAAA me\n");
      await create(
        "all",
        ...[
          "--cpu",
          "4",
          "--memory-mb",
          "8192",
          "--disk-size-gb",
          "20",
          "--allow-inbound",
          "--allow-outbound=false",
        ],
        ...["--max-duration", "1h30m", "--idle-timeout", "30m", "--pause-retention", "24h", "--sticky"],
        ...["--metadata", "owner=alice", "--metadata", "job=a=b", "--tags", "a,b", "--tags", "c"],
        ...[
          "--env",
          "A=from flag",
          "--env-file",
          "variables",
          "--authorized-key",
          "ssh-rsa BBBB",
          "--authorized-keys-file",
          "keys",
        ],
        ...["--clone-repo", "https://example.com/x.git", "--opencode", "--image", "acme/base:1"],
        ...["--volume", "0190d3c5-0000-7000-8000-0000000000cc:/data:ro"],
      );
      const request = service.sessions.created.at(-1);
      assert.ok(request);
      assert.deepEqual([request.cpuCores, request.memoryMb, request.diskSizeGb], [4, 8192, 20]);
      assert.deepEqual([request.allowInbound, request.allowOutbound, request.sticky], [true, false, true]);
      assert.equal(request.maxDuration?.seconds, 5_400n);
      assert.deepEqual([request.idleTimeoutMinutes, request.pauseRetention?.seconds], [30, 86_400n]);
      assert.deepEqual(request.metadata, { owner: "alice", job: "a=b" });
      assert.deepEqual(request.tags, ["a", "b", "c"]);
      assert.deepEqual(request.env, { A: "from flag", B: "kept" });
      assert.deepEqual(request.sshAuthorizedKeys, ["ssh-rsa BBBB", "ssh-ed25519 AAAA me"]);
      assert.deepEqual(
        [request.cloneRepoUrl, request.registryRef],
        ["https://example.com/x.git", "acme/base:1"],
      );
      assert.equal(request.volumes[0]?.mountPath, "/data");
      assert.equal(request.volumes[0]?.readonly, true);
    });

    it("leaves to the service what nothing was said about", async () => {
      await create("bare");
      const request = service.sessions.created.at(-1);
      assert.deepEqual(
        [request?.cpuCores, request?.allowInbound, request?.allowOutbound],
        [undefined, undefined, undefined],
      );
      assert.deepEqual([request?.idleTimeoutMinutes, request?.sticky], [undefined, false]);
    });

    it("hands on a token by the name of its variable", async () => {
      await world.ok(["sandbox", "create", "--github-token-env", "MY_TOKEN"], {
        env: { MY_TOKEN: "ghp_secret" },
      });
      assert.match(JSON.stringify(service.sessions.created.at(-1)?.env), /ghp_secret/);
    });

    it("waits until it is ready, and prints it", async () => {
      service.sessions.holdsNewOnes = true;
      const call = world.start(["sandbox", "create", "--name", "slow"], { terminal: ["stderr"] });
      await call.shows("stderr", /waiting for session/);
      service.sessions.setState(service.sessions.byName("slow"), SessionState.RUNNING);
      const { code, stdout } = await call.ended;
      assert.equal(code, 0);
      assert.match(stdout, /^state\s+: RUNNING$/m);
      assert.match(stdout, /^\s*id\s*:\s*(\S+)/m);
    });

    it("returns at once with --no-wait, and makes it the current one either way", async () => {
      service.sessions.holdsNewOnes = true;
      const { id, state } = await create("quick", "--no-wait");
      assert.equal(state, "CREATING");
      assert.equal(await current(), id);
      assert.equal((await world.json<Shown>(["sandbox", "get"])).id, id);
    });

    it("says what it waited for when the time is up, and leaves the session", async () => {
      service.sessions.holdsNewOnes = true;
      const { code, stderr } = await world.call([
        "sandbox",
        "create",
        "--name",
        "late",
        "--wait-timeout",
        "100ms",
      ]);
      const { id } = service.sessions.byName("late").wire;
      assert.equal(code, 5);
      assert.ok(stderr.includes(id), stderr);
      assert.equal((await world.json<Shown>(["sandbox", "get", id])).state, "CREATING");
    });

    it("says where the session is when it is interrupted, and leaves it", async () => {
      service.sessions.holdsNewOnes = true;
      const call = world.start(["sandbox", "create", "--name", "left"], { terminal: ["stderr"] });
      await call.shows("stderr", /waiting for session/);
      call.signal("SIGINT");
      const { code, stderr } = await call.ended;
      const { id } = service.sessions.byName("left").wire;
      assert.equal(code, 130);
      const last = `error: interrupted: session ${id} goes on\nhint: tenki sandbox wait ${id}\n`;
      assert.ok(withoutEscapes(stderr).endsWith(last), stderr);
      assert.equal(await current(), id);
    });

    it("fails when the session ends instead of getting ready", async () => {
      service.sessions.holdsNewOnes = true;
      const call = world.start(["sandbox", "create", "--name", "broken"], { terminal: ["stderr"] });
      await call.shows("stderr", /waiting for session/);
      service.sessions.setState(service.sessions.byName("broken"), SessionState.TERMINATED);
      const { code, stderr } = await call.ended;
      assert.equal(code, 1);
      assert.match(withoutEscapes(stderr), /error: .*terminated/);
    });

    it("does not fail where the current session cannot be saved", async () => {
      await writeFile(join(world.home, "a-file"), "");
      const env = { ...world.env, XDG_CONFIG_HOME: join(world.home, "a-file") };
      await using other = await TestWorld.open(env);
      const { code, stderr } = await other.call(["sandbox", "create", "--name", "unsaved"]);
      assert.equal(code, 0);
      assert.match(stderr, /^warning: the current session was not saved: /);
    });
  });

  describe("list", () => {
    it("shows all pages, newest first, in text, JSON and YAML", async () => {
      assert.deepEqual(await world.json(["sandbox", "list"]), []);
      for (const name of ["a", "b", "c", "d", "e", "f", "g"]) await create(name);
      const listed = await world.json<Shown[]>(["sandbox", "ls"]);
      assert.equal(listed.map(({ name }) => name).join(""), "gfedcba");
      const text = (await world.ok(["sandbox", "list"])).split("\n");
      assert.match(text[0] ?? "", /^ID\s+NAME\s+STATE\s/);
      assert.equal(text.length, 9);
      assert.match(await world.ok(["sandbox", "list", "-o", "yaml"]), /^- id: .*\n {2}name: g$/m);
    });

    it("leaves out what has ended, unless it is asked for", async () => {
      await create("lives", "--tags", "x,y", "--sticky");
      await create("ends", "--tags", "x");
      await world.ok(["sandbox", "terminate", "ends"]);
      const names = async (...flags: string[]) =>
        (await world.json<Shown[]>(["sandbox", "list", ...flags])).map(({ name }) => name);
      assert.deepEqual(await names(), ["lives"]);
      assert.ok((await names("--all")).includes("ends"));
      assert.equal((await names("--state", "terminated"))[0], "ends");
      assert.deepEqual(await names("--state", "PAUSED"), []);
      assert.deepEqual((await names("--state", "RUNNING,TERMINATED")).slice(0, 2), ["ends", "lives"]);
      assert.deepEqual(await names("--tags", "x,y"), ["lives"]);
      assert.deepEqual(await names("--sticky=false"), []);
      assert.deepEqual(await names("--sticky"), ["lives"]);
    });

    it("goes on with --watch, one document a line for each change, until it is interrupted", async () => {
      await create("watched");
      const call = world.start(["sandbox", "list", "--watch", "--json"]);
      await call.shows("stdout", /\n/);
      await create("another");
      await call.shows("stdout", /\n.*\n/);
      call.signal("SIGINT");
      const { code, stdout, stderr } = await call.ended;
      assert.deepEqual({ code, stderr }, { code: 130, stderr: "" });
      const lists = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Shown[]);
      assert.deepEqual(
        lists.map((list) => list.length),
        [1, 2],
      );
    });

    it("cuts nothing where nobody looks, and fits a terminal where somebody does", async () => {
      const tags = Array.from({ length: 12 }, (_, at) => `a-rather-long-tag-${at}`).join(",");
      await create("wide", "--tags", tags);
      assert.ok((await world.ok(["sandbox", "list"])).includes(tags));
      const seen = await world.ok(["sandbox", "list"], { terminal: ["stdout"], columns: 90 });
      assert.ok(
        seen.split("\n").every((line) => line.length <= 90),
        seen,
      );
      assert.match(seen, /…/);
    });
  });

  it("are shown the same way in every format", async () => {
    await create("shown", "--tags", "a,b", "--metadata", "owner=alice");
    const fixed = (text: string) => text.replaceAll(/0190d3c5-0000-7000-8000-0{9}\d+/g, "ID");
    assertGolden("session.txt", fixed(await world.ok(["sandbox", "get", "shown"])));
    assertGolden("session.json", fixed(await world.ok(["sandbox", "get", "shown", "--json"])));
    assertGolden("session.yaml", fixed(await world.ok(["sandbox", "get", "shown", "-o", "yaml"])));
  });

  describe("are found", () => {
    it("by flag, by argument, by TENKI_SESSION, and as the current one", async () => {
      const [one, two, three] = [await create("one"), await create("two"), await create("three")];
      const found = async (args: readonly string[], env = {}) =>
        (await world.json<Shown>(["sandbox", "get", ...args], { env })).id;
      assert.equal(await found([]), three.id);
      assert.equal(await found([], { TENKI_SESSION: "two" }), two.id);
      assert.equal(await found(["one"], { TENKI_SESSION: "two" }), one.id);
      assert.equal(await found(["--session", one.id.toUpperCase()], { TENKI_SESSION: "two" }), one.id);
      const { stderr } = await world.call(["sandbox", "set", "one"]);
      assert.equal(stderr, `the current session is ${one.id} (one)\n`);
      assert.equal(await found([]), one.id);
    });

    it("by name among the living first, then the one that ended last", async () => {
      const first = await create("again");
      await world.ok(["sandbox", "rm", "again"]);
      const second = await create("again");
      const found = async () => (await world.json<Shown>(["sandbox", "get", "again"])).id;
      assert.equal(await found(), second.id);
      await world.ok(["sandbox", "kill", "again"]);
      assert.equal(await found(), second.id);
      assert.notEqual(first.id, second.id);
    });

    it("with a hint where the saved one is gone", async () => {
      await world.ok(["config", "set", "current_session_id", "0190d3c5-0000-7000-8000-00000000ffff"]);
      const { code, stderr } = await world.call(["sandbox", "get"]);
      assert.equal(code, 4);
      assert.match(stderr, /hint: tenki sandbox list, then tenki sandbox set <id\|name>/);
    });
  });

  it("are updated only in what is named, and extended", async () => {
    await create("before", "--tags", "old");
    const updated = await world.json<Shown & { tags: string[]; sticky: boolean }>([
      "sandbox",
      "update",
      "--name",
      "after",
      "--sticky",
    ]);
    assert.deepEqual([updated.name, updated.tags, updated.sticky], ["after", ["old"], true]);
    const cleared = await world.json<{ tags: string[]; sticky: boolean }>([
      "sandbox",
      "update",
      "after",
      "--clear-tags",
      "--sticky=false",
    ]);
    assert.deepEqual([cleared.tags, cleared.sticky], [[], false]);
    const extended = await world.json<{ timeout_at: string }>(["sandbox", "extend", "1h"]);
    assert.equal(extended.timeout_at, "2026-01-01T01:00:00Z");
  });

  it("are waited for", async () => {
    service.sessions.holdsNewOnes = true;
    await create("awaited", "--no-wait");
    const call = world.start(["sandbox", "wait", "awaited", "--json", "--wait-timeout", "10s"]);
    service.sessions.setState(service.sessions.byName("awaited"), SessionState.RUNNING);
    const { code, stdout } = await call.ended;
    assert.deepEqual({ code, state: (JSON.parse(stdout) as Shown).state }, { code: 0, state: "RUNNING" });
    service.sessions.setState(service.sessions.byName("awaited"), SessionState.TERMINATED);
    assert.equal((await world.call(["sandbox", "wait", "awaited"])).code, 1);
  });

  describe("terminate", () => {
    it("prints the one it ended, and forgets it", async () => {
      const { id } = await create("gone");
      const ended = await world.json<Shown>(["sandbox", "terminate"]);
      assert.deepEqual({ id: ended.id, state: ended.state }, { id, state: "TERMINATED" });
      assert.equal(await current(), "");
    });

    it("leaves the current one alone when it ends another", async () => {
      const kept = await create("kept");
      await create("other");
      await world.ok(["sandbox", "set", "kept"]);
      await world.ok(["sandbox", "terminate", "other"]);
      assert.equal(await current(), kept.id);
    });

    it("takes several, each once, and --all", async () => {
      for (const name of ["a", "b", "c", "d"]) await create(name);
      const some = await world.json<Shown[]>(["sandbox", "terminate", "a", "b", "a"]);
      assert.deepEqual(
        some.map(({ name }) => name),
        ["a", "b"],
      );
      assert.deepEqual((await world.json<Shown[]>(["sandbox", "terminate", "--all"])).length, 2);
      assert.deepEqual(await world.json(["sandbox", "terminate", "--all"]), []);
    });

    it("prints what it could end, and fails with what it could not", async () => {
      await create("fine");
      const { code, stdout, stderr } = await world.call([
        ...["sandbox", "terminate", "fine", "0190d3c5-0000-7000-8000-00000000ffff", "--json"],
      ]);
      assert.equal(code, 1);
      assert.equal((JSON.parse(stdout) as Shown[])[0]?.name, "fine");
      assert.match(stderr, /not terminated: 0190d3c5-0000-7000-8000-00000000ffff \(session not found/);
    });

    it("asks on a terminal, and only there", async () => {
      await create("asked");
      const terminal = ["stdin", "stderr"] as const;
      const answer = async (text: string, ...flags: string[]) => {
        const call = world.start(["sandbox", "terminate", "asked", ...flags], { terminal });
        if (text !== "") {
          await call.shows("stderr", /Terminate session .*\? \[y\/N\] /);
          (call.stdin as unknown as PassThrough).write(text);
        }
        return call.ended;
      };
      const refused = await answer("n\n");
      assert.equal(refused.code, 1);
      assert.match(withoutEscapes(refused.stderr), /error: nothing was terminated: the answer was no\n$/);
      assert.equal((await answer("\u0003")).code, 130);
      assert.equal(service.sessions.byName("asked").wire.state, SessionState.RUNNING);
      assert.equal((await answer("yes\n")).code, 0);
      assert.doesNotMatch((await answer("", "--yes")).stderr, /Terminate/);
      assert.doesNotMatch((await answer("", "--no-input")).stderr, /Terminate/);
    });
  });

  it("are never asked about with a token on the command line", async () => {
    const { code } = await world.call(["sandbox", "list", "--auth-token", goodToken]);
    assert.equal(code, 2);
  });

  it("keep the config file private", async () => {
    await create("private");
    await chmod(world.configPath, 0o644);
    await create("private-2");
    const { mode } = await (await import("node:fs/promises")).stat(world.configPath);
    assert.equal(mode & 0o777, 0o600);
    assert.match(await readFile(world.configPath, "utf8"), /^current_session_id: \S+$/m);
  });
});

// eslint-disable-next-line no-control-regex
const withoutEscapes = (text: string): string => text.replaceAll(/\u001b\[[\d;?]*[A-Za-z]/g, "");
