import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { after, beforeEach, describe, it } from "node:test";
import { SessionState } from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { assertGolden } from "./support/golden.js";
import { goodToken, MemoryService } from "./support/memory-service.js";
import { TestWorld } from "./support/test-io.js";

interface Sample {
  readonly name: string;
  readonly state: string;
  readonly cpu_used_cores: number | null;
}

describe("top", () => {
  let service: MemoryService;
  let world: TestWorld;
  beforeEach(async () => {
    service = await MemoryService.start();
    world = await TestWorld.open({ TENKI_API_KEY: goodToken, TENKI_API_ENDPOINT: service.endpoint });
    await world.ok(["sandbox", "create", "--name", "busy"]);
    await world.ok(["sandbox", "create", "--name", "paused"]);
    service.sessions.setState(service.sessions.byName("paused"), SessionState.PAUSED);
  });
  const closing: AsyncDisposable[] = [];
  beforeEach(() => void closing.push(world, service));
  after(async () => {
    for (const each of closing) await each[Symbol.asyncDispose]();
  });
  const top = ["sandbox", "top"];

  describe("where nobody looks", () => {
    it("is printed once", async () => {
      assertGolden("top.txt", await world.ok(top));
      assertGolden("top.json", await world.ok([...top, "--json"]));
    });

    it("shows only what is named, by name or id", async () => {
      const { id } = service.sessions.byName("paused").wire;
      const names = async (...args: string[]) =>
        (await world.json<Sample[]>([...top, ...args])).map(({ name }) => name);
      assert.deepEqual(await names("busy"), ["busy"]);
      assert.deepEqual(await names(id, "busy"), ["paused", "busy"]);
      assert.equal((await world.call([...top, "nobody"])).code, 4);
    });

    it("prints a document a line with --interval or --watch, until Ctrl-C", async () => {
      for (const flags of [["--interval", "100ms"], ["--watch"]]) {
        const running = world.start([...top, "--json", ...flags, "busy"]);
        await running.shows("stdout", flags.includes("--watch") ? /\n/ : /\n.*\n.*\n/);
        running.signal("SIGINT");
        const { code, stdout } = await running.ended;
        assert.equal(code, 130);
        for (const line of stdout.trim().split("\n")) {
          const [sample, ...others] = JSON.parse(line) as Sample[];
          assert.deepEqual([sample?.name, sample?.cpu_used_cores, others.length], ["busy", 0.5, 0]);
        }
      }
    });

    it("says plainly that a service does not tell", async () => {
      service.sessions.hidesStats = true;
      const { code, stderr } = await world.call(top);
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^error: the service at \S+ does not tell what sessions use\nhint: tenki engine start/,
      );
    });

    it("refuses an interval that would ask all the time", async () => {
      const { code, stderr } = await world.call([...top, "--interval", "1ms"]);
      assert.equal(code, 2);
      assert.match(stderr, /invalid duration "1ms" for --interval: expected at least 100ms/);
    });
  });

  describe("on a terminal", () => {
    const enter = "\u001b[?1049h\u001b[?25l";
    const leave = "\u001b[?25h\u001b[?1049l";
    const terminal = ["stdin", "stdout", "stderr"] as const;
    const start = (...args: string[]) => {
      const keys = new PassThrough();
      return { keys, running: world.start([...top, ...args], { terminal, input: keys, columns: 100 }) };
    };

    it("is drawn again and again in its place, and q ends it and leaves the terminal as it was", async () => {
      const { keys, running } = start("--interval", "100ms");
      await running.shows("stdout", /(\[H[^H]*busy[^H]*){3}/);
      keys.write("xq");
      const { code, stdout, stderr } = await running.ended;
      assert.deepEqual([code, stderr], [0, ""]);
      assert.ok(stdout.startsWith(enter) && stdout.endsWith(leave), JSON.stringify(stdout));
      assert.match(stdout, /tenki sandbox top: every 100ms, q ends/);
      assert.match(stdout, /busy +RUNNING +0\.50\/2 +150MiB\/4GiB/);
      assert.deepEqual(running.stdin.raw, [true, false]);
    });

    it("ends with 130 at Ctrl-C, as a key or as a signal", async () => {
      for (const end of ["key", "signal"]) {
        const { keys, running } = start();
        await running.shows("stdout", /busy/);
        if (end === "key") keys.write("\u0003");
        else running.signal("SIGINT");
        const { code, stdout, stderr } = await running.ended;
        assert.deepEqual([code, stderr], [130, ""]);
        assert.ok(stdout.endsWith(leave), JSON.stringify(stdout));
        assert.deepEqual(running.stdin.raw, [true, false]);
      }
    });

    it("leaves the terminal as it was when it fails, and says why", async () => {
      const { running } = start("--interval", "100ms");
      await running.shows("stdout", /busy/);
      service.sessions.hidesStats = true;
      const { code, stdout, stderr } = await running.ended;
      assert.equal(code, 1);
      assert.match(stderr, /does not tell/);
      assert.ok(stdout.endsWith(leave), JSON.stringify(stdout));
      assert.deepEqual(running.stdin.raw, [true, false]);
    });

    it("fits itself into the size that the terminal gets", async () => {
      for (let n = 0; n < 8; n += 1) await world.ok(["sandbox", "create", "--name", `more-${n}`]);
      const { keys, running } = start("--interval", "1h");
      await running.shows("stdout", /busy/);
      running.stdout.columns = 30;
      running.stdout.rows = 6;
      running.stdout.emit("resize");
      await running.shows("stdout", /… 8 more/);
      keys.write("q");
      const { stdout } = await running.ended;
      const last = stdout.slice(stdout.lastIndexOf("\u001b[H") + 3, stdout.lastIndexOf(leave));
      const lines = last.replaceAll("\u001b[2K", "").split("\r\n");
      assert.equal(lines.length, 6);
      assert.ok(
        lines.every((line) => line.length <= 30),
        last,
      );
    });

    it("is printed once with --watch=false, and for a terminal that can do nothing", async () => {
      const once = await world.call([...top, "--watch=false"], { terminal });
      assert.ok(!once.stdout.includes("\u001b"), once.stdout);
      const dumb = await world.call(top, { terminal, env: { TERM: "dumb" } });
      assert.ok(!dumb.stdout.includes("\u001b"), dumb.stdout);
      assert.match(dumb.stdout, /busy/);
    });
  });
});
