import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { goodToken, MemoryService } from "./support/memory-service.js";
import { TestWorld } from "./support/test-io.js";

interface Shown {
  readonly id: string;
  readonly name: string;
  readonly size_bytes: number;
  readonly tags: readonly string[];
  readonly attachments?: readonly { mount_path: string; readonly: boolean; session_id: string }[];
}

describe("sandbox volume", () => {
  let service: MemoryService;
  let world: TestWorld;
  before(async () => {
    service = await MemoryService.start();
    world = await TestWorld.open({ TENKI_API_KEY: goodToken, TENKI_API_ENDPOINT: service.endpoint });
    await world.ok(["sandbox", "create", "--name", "demo"]);
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });
  const volume = (...words: string[]) => ["sandbox", "volume", ...words];
  const get = (name: string) => world.json<Shown>(volume("get", name));

  it("passes sizes on in bytes, and finds volumes by name and by id", async () => {
    const made = await world.json<Shown>(volume("create", "cache", "--size", "1.5GiB"));
    assert.equal(made.size_bytes, 1.5 * 2 ** 30);
    assert.equal((await get(made.id.toUpperCase())).name, "cache");
    assert.equal((await world.json<Shown>(volume("resize", "cache", "--size", "2GB"))).size_bytes, 2e9);
    assert.deepEqual((await world.json<Shown>(volume("update", "cache", "--tags", "a,b"))).tags, ["a", "b"]);
    assert.deepEqual(
      (await world.json<Shown[]>(volume("list", "--tags", "a"))).map(({ name }) => name),
      ["cache"],
    );
    assert.deepEqual(await world.json(volume("list", "--tags", "c")), []);
  });

  it("attaches in the session that is named in any of the ways", async () => {
    const expected = async (path: string, readonly: boolean) => {
      const [attachment] = (await get("cache")).attachments ?? [];
      assert.deepEqual([attachment?.mount_path, attachment?.readonly], [path, readonly]);
    };
    await world.ok(volume("attach", "demo", "cache", "--mount", "/data"));
    await expected("/data", false);
    await world.ok(volume("detach", "cache", "--session", "demo"));
    await world.ok(volume("attach", "cache", "--mount", "/busy", "--readonly"));
    await expected("/busy", true);
    const { code, stderr } = await world.call(volume("detach", "cache"));
    assert.equal(code, 1);
    assert.match(stderr, /volume is in use by sleep/);
    await world.ok(volume("detach", "demo", "cache", "--force"));
    assert.deepEqual((await get("cache")).attachments, []);
  });

  it("does not guess between two of a name", async () => {
    for (let twice = 0; twice < 2; twice += 1) await world.ok(volume("create", "twin", "--size", "1MiB"));
    for (const words of [volume("get", "twin"), ["sandbox", "create", "--volume", "twin:/data"]]) {
      const { code, stderr } = await world.call(words);
      assert.equal(code, 2);
      assert.match(stderr, /ambiguous name "twin": 2 volumes have it: .*1MiB/);
    }
  });

  it("deletes all that are named, or says which are gone", async () => {
    const { id } = await world.json<Shown>(volume("create", "short-lived", "--size", "1MiB"));
    const gone = "0190d3c5-0000-7000-8000-0000000000ff";
    const { code, stdout, stderr } = await world.call(
      volume("delete", "short-lived", gone, "--yes", "--json"),
    );
    assert.equal(code, 4);
    assert.deepEqual(JSON.parse(stdout), { deleted: [id] });
    assert.match(stderr, /volume not found/);
  });
});
