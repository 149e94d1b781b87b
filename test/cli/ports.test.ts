import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { goodToken, MemoryService } from "./support/memory-service.js";
import { TestWorld } from "./support/test-io.js";

describe("the words about ports", () => {
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

  const wrong: readonly (readonly [line: string, says: RegExp])[] = [
    ["expose", /^error: missing argument PORT\n/],
    ["expose 0", /^error: invalid port "0" for PORT: expected a whole number from 1 to 65535\n/],
    ["expose 70000", /^error: invalid port "70000"/],
    ["expose --port abc", /^error: invalid port "abc" for --port/],
    ["expose 3000 --port 3001", /^error: two ports are named: 3000 and 3001\n/],
    ["expose 3000 --ttl 0", /^error: invalid duration "0"/],
    ["expose 3000 --slug Demo", /^error: invalid slug "Demo" for --slug: expected 3 to 63 lower-case/],
    ["expose 3000 --slug demo --tcp", /^error: --slug names an HTTP port/],
    ["expose 3000 --open --tcp", /^error: --open shows what a browser understands/],
    ["unexpose", /^error: missing argument PORT\n/],
    ["preview-url create -x-", /^error: /],
    ["preview-url create demo --port 3000", /^error: --session and --port go together\n/],
    ["preview-url bind demo", /^error: --port is missing\n/],
    ["preview-url get", /^error: missing argument PREVIEW-URL/],
  ];
  for (const [line, says] of wrong) {
    it(`refuse: ${line}`, async () => {
      const { code, stderr } = await world.call(["sandbox", ...line.split(" ")]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, says);
    });
  }

  it("say which service can expose what", async () => {
    const made = await world.json<{ id: string }>(["sandbox", "create", "--name", "web"]);
    const { code, stderr } = await world.call(["sandbox", "expose", "5432", "--tcp", "--session", made.id]);
    assert.equal(code, 1);
    assert.match(stderr, /exposes ports that speak HTTP only\nhint: tenki sandbox forward/);
  });
});
