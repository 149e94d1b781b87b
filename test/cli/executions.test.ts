import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { endedExecution as id } from "./support/execution-routes.js";
import { goodToken, MemoryService } from "./support/memory-service.js";
import { TestWorld } from "./support/test-io.js";

describe("executions", () => {
  let service: MemoryService;
  let world: TestWorld;
  before(async () => {
    service = await MemoryService.start({ executions: true });
    world = await TestWorld.open({ TENKI_API_KEY: goodToken, TENKI_API_ENDPOINT: service.endpoint });
    await world.ok(["sandbox", "create", "--name", "demo"]);
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });
  const exec = (...args: string[]) => world.call(["sandbox", "exec", ...args]);

  it("are a table, with commands as they would be typed", async () => {
    const [header, row, ...rest] = (await exec("list")).stdout.trimEnd().split("\n");
    assert.match(header ?? "", /^ID +SESSION +STATE +EXIT +STARTED +COMMAND$/);
    assert.match(row ?? "", new RegExp(`^${id} .* SUCCEEDED +0 +2026-01-01T00:00:00Z +make 'a b'$`));
    assert.deepEqual(rest, []);
    assert.equal((await exec("list", "--all", "--session", "demo")).code, 2);
  });

  it("are named by their id, or the beginning of it", async () => {
    const whole = await exec("logs", id);
    assert.deepEqual(whole, { code: 0, stdout: "made\n", stderr: "" });
    assert.deepEqual(await exec("logs", id.slice(0, 6).toUpperCase()), whole);
    const unknown = await exec("logs", "ffff");
    assert.equal(unknown.code, 4);
    assert.match(
      unknown.stderr,
      /^error: execution not found: none begins with "ffff"\nhint: tenki sandbox exec list --all\n$/,
    );
    assert.equal((await exec("wait", "not-an-id")).code, 2);
  });

  it("are attached to and waited for with the command's code, and signalled", async () => {
    const attached = await exec("attach", id);
    assert.deepEqual([attached.code, attached.stdout], [0, "made\n"]);
    assert.match(attached.stderr, /^status: SUCCEEDED, exit code 0, 1.5s\n$/);
    assert.deepEqual(await exec("wait", "-q", id), { code: 0, stdout: "", stderr: "" });
    assert.match((await exec("signal", id, "--signal", "sigusr1")).stderr, /^sent SIGUSR1 to execution/);
    assert.equal((await exec("signal", id, "--signal", "9")).code, 2);
    const refused = await exec("attach", "-i", id);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /takes no input\nhint: tenki sandbox exec --detach --interactive/);
  });
});
