import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { goodToken, MemoryService } from "./support/memory-service.js";
import { TestWorld } from "./support/test-io.js";

interface Shown {
  readonly id: string;
  readonly allow_egress: readonly string[] | null;
  readonly egress_refused_packets: number | null;
  readonly egress_refused_names: number | null;
}

describe("a list of what a session may reach", () => {
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
  beforeEach(() => void (service.sessions.hidesEgress = false));
  const get = (id: string) => world.json<Shown>(["sandbox", "get", id]);

  it("is passed on, each entry in its one form, with all else that was asked for", async () => {
    const { id } = await world.json<Shown>([
      ...["sandbox", "create", "--cpu", "4", "--tags", "listed"],
      ...[
        "--allow-egress",
        "GitHub.com:443,*.example.com.,10.0.0.0/8:80-90",
        "--allow-egress",
        "192.0.2.1/32",
      ],
    ]);
    const list = ["github.com:443", "*.example.com", "10.0.0.0/8:80-90", "192.0.2.1"];
    assert.deepEqual(service.sessions.allowed.get(id), list);
    const request = service.sessions.created.at(-1);
    assert.deepEqual([request?.cpuCores, request?.tags], [4, ["listed"]]);
    const shown = await get(id);
    assert.deepEqual(shown.allow_egress, list);
    assert.deepEqual([shown.egress_refused_packets, shown.egress_refused_names], [12, 3]);
  });

  it("is shown as text, too", async () => {
    const { id } = await world.json<Shown>(["sandbox", "create", "--allow-egress", "a.test,b.test:1"]);
    const { stdout } = await world.call(["sandbox", "get", id]);
    assert.match(stdout, /^allow_egress +: a\.test,\s?b\.test:1$/m);
    assert.match(stdout, /^egress_refused_packets +: 12$/m);
  });

  it("is nothing where there is none, or where the service knows of none", async () => {
    const { id } = await world.json<Shown>(["sandbox", "create"]);
    for (const hidden of [false, true]) {
      service.sessions.hidesEgress = hidden;
      const shown = await get(id);
      assert.deepEqual(
        [shown.allow_egress, shown.egress_refused_packets, shown.egress_refused_names],
        [null, null, null],
      );
    }
  });

  it("is refused by a service without lists before anything is made", async () => {
    service.sessions.hidesEgress = true;
    const before = service.sessions.created.length;
    for (const words of [["create"], ["run", "--quiet"]]) {
      const program = words[0] === "run" ? ["--", "true"] : [];
      const { code, stdout, stderr } = await world.call([
        ...["sandbox", ...words, "--allow-egress", "github.com", ...program],
      ]);
      assert.equal(code, words[0] === "run" ? 125 : 1);
      assert.equal(stdout, "");
      assert.match(stderr, /cannot hold a session to a list of what it may reach; none was made/);
    }
    assert.equal(service.sessions.created.length, before);
  });
});
