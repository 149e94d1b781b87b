import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { assertGolden } from "./support/golden.js";
import { goodToken, MemoryService } from "./support/memory-service.js";
import { TestWorld } from "./support/test-io.js";

describe("a workspace", () => {
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
  const set = (...flags: string[]) => world.json<object>(["sandbox", "settings", "set", ...flags]);

  it("shows what it uses", async () => {
    assertGolden("usage.txt", await world.ok(["sandbox", "usage"]));
    assertGolden("usage.json", await world.ok(["sandbox", "usage", "--json"]));
  });

  it("shows its settings", async () => {
    assertGolden("settings.txt", await world.ok(["sandbox", "settings", "get"]));
    assertGolden("settings.json", await world.ok(["sandbox", "settings", "get", "--json"]));
  });

  it("changes what is named, and prints what holds now", async () => {
    const before = await world.json<object>(["sandbox", "settings", "get"]);
    const changed = await set(
      ...["--max-concurrent-sessions", "20", "--max-sticky-sessions", "none"],
      ...["--max-total-bytes", "500GiB", "--pause-retention", "24h"],
    );
    const wanted = {
      max_concurrent_sessions: 20,
      max_sticky_sessions: null,
      max_total_bytes: 500 * 2 ** 30,
      pause_retention: "24h0m0s",
    };
    assert.deepEqual(changed, { ...before, ...wanted });
    assert.deepEqual(await world.json(["sandbox", "settings", "get"]), changed);
    assert.match(await world.ok(["sandbox", "settings", "get"]), /^max_total_bytes +: 500GiB$/m);
    assert.deepEqual(
      await set("--max-concurrent-sessions", "none", "--max-total-bytes=none", "--pause-retention=none"),
      { ...before, max_sticky_sessions: null },
    );
  });

  it("refuses words that are no limit, and a change of nothing", async () => {
    for (const [flags, message] of [
      [[], "nothing to change"],
      [["--max-volumes", "0"], 'invalid number "0"'],
      [["--max-total-bytes", "1024"], 'invalid size "1024"'],
      [["--pause-retention", "0"], 'invalid duration "0"'],
      [["--max-volumes", "many"], "or none"],
    ] as const) {
      const { code, stderr } = await world.call(["sandbox", "settings", "set", ...flags]);
      assert.equal(code, 2, stderr);
      assert.ok(stderr.includes(message), stderr);
    }
  });
});
