import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { PassThrough } from "node:stream";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { goodToken, MemoryService } from "./support/memory-service.js";
import { TestWorld } from "./support/test-io.js";

describe("who is logged in", () => {
  let service: MemoryService;
  let world: TestWorld;
  before(async () => void (service = await MemoryService.start()));
  after(() => service[Symbol.asyncDispose]());
  beforeEach(async () => void (world = await TestWorld.open()));
  afterEach(() => world[Symbol.asyncDispose]());
  const login = (...flags: string[]) =>
    world.call(["login", "--endpoint", service.endpoint, "--token-stdin", ...flags], {
      input: `${goodToken}\n`,
    });

  it("is saved by login once the service knows the token", async () => {
    const { code, stdout, stderr } = await login("--workspace", "0190d3c5-0000-7000-8000-0000000000bb");
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "" });
    assert.equal(stderr, `logged in to ${service.endpoint} as user alice\n`);
    const config = await readFile(world.configPath, "utf8");
    assert.match(config, new RegExp(`^auth_token: ${goodToken}$`, "m"));
    assert.match(config, new RegExp(`^api_endpoint: ${service.endpoint}$`, "m"));
    assert.match(config, /^workspace_id: "?0190d3c5-0000-7000-8000-0000000000bb"?$/m);
    await world.ok(["whoami"]);
  });

  it("is not changed by a login that the service refuses", async () => {
    await login();
    const before = await readFile(world.configPath, "utf8");
    assert.equal((await world.call(["login", "--token-stdin"], { input: "tk_wrong" })).code, 3);
    assert.equal(await readFile(world.configPath, "utf8"), before);
  });

  it("is asked for on a terminal, and not shown", async () => {
    for (const flags of [[], ["--api-key"]]) {
      const call = world.start(["login", "--endpoint", service.endpoint, ...flags], {
        terminal: ["stdin", "stderr"],
      });
      await call.shows("stderr", /API key: /);
      (call.stdin as unknown as PassThrough).write(`${goodToken}\r`);
      const { code, stdout, stderr } = await call.ended;
      assert.equal(code, 0, stderr);
      assert.equal((stdout + stderr).includes(goodToken), false);
    }
  });

  it("can be named on the command line, with a warning", async () => {
    const { code, stderr } = await world.call([
      "login",
      "--api-key",
      goodToken,
      "--endpoint",
      service.endpoint,
    ]);
    assert.equal(code, 0);
    assert.match(stderr, /^warning: other processes can see a key/);
    assert.equal(stderr.includes(goodToken), false);
  });

  it("takes its settings from the flag, the environment, the file, in this order", async () => {
    await login();
    const wrong = { TENKI_AUTH_TOKEN: "tk_wrong" };
    assert.equal((await world.call(["whoami"], { env: wrong })).code, 3);
    assert.equal(
      (await world.call(["whoami"], { env: { TENKI_AUTH_TOKEN: goodToken, TENKI_API_KEY: "tk_wrong" } }))
        .code,
      0,
    );
    assert.equal(
      (await world.call(["whoami"], { env: { TENKI_AUTH_TOKEN: "", TENKI_API_KEY: "tk_wrong" } })).code,
      3,
    );
    const nowhere = "http://127.0.0.1:1";
    assert.equal((await world.call(["whoami"], { env: { TENKI_API_URL: nowhere } })).code, 5);
    const both = { TENKI_API_ENDPOINT: service.endpoint, TENKI_API_URL: nowhere };
    assert.equal((await world.call(["whoami"], { env: both })).code, 0);
    const flag = ["whoami", "--endpoint", service.endpoint];
    assert.equal((await world.call(flag, { env: { TENKI_API_ENDPOINT: nowhere } })).code, 0);
    assert.match((await login()).stderr, /logged in/);
    assert.match(
      (await world.call(["login", "--token-stdin"], { input: goodToken, env: wrong })).stderr,
      /warning: TENKI_AUTH_TOKEN is set/,
    );
  });

  it("forgets the current session of another login", async () => {
    await login();
    await world.ok(["config", "set", "current_session_id", "s"]);
    await login();
    assert.equal(await world.ok(["config", "get", "current_session_id"]), "s\n");
    await world.ok(["config", "set", "auth_token", "tk_another"]);
    await login();
    assert.equal((await world.call(["config", "get", "current_session_id"])).code, 4);
  });

  it("is forgotten by logout, which does not mind when there is nobody", async () => {
    await login();
    assert.equal((await world.call(["logout"])).stderr, "logged out\n");
    assert.equal((await world.call(["whoami"])).code, 3);
    assert.equal(await world.ok(["config", "get", "api_endpoint"]), `${service.endpoint}\n`);
    assert.deepEqual(await world.json(["logout"]), { logged_out: false });
  });

  it("is shown by whoami", async () => {
    await login();
    assert.equal(
      await world.ok(["whoami"]),
      "owner_type : USER\nowner_id   : alice\n" +
        "workspaces : 0190d3c5-0000-7000-8000-0000000000aa (acme)\nprojects   : 0190d3c5-0000-7000-8000-0000000000bb (default)\n",
    );
    const { workspaces } = await world.json<{ workspaces: { id: string; projects: object[] }[] }>(["whoami"]);
    assert.equal(workspaces[0]?.projects.length, 1);
  });

  describe("status", () => {
    const status = async (env = {}, ...flags: string[]) =>
      world.json<Record<string, string | null>>(["status", ...flags], { env });

    it("begins with `Logged in` when it is so", async () => {
      assert.equal((await status({}, "--endpoint", service.endpoint))["status"], "Not logged in");
      await login();
      await world.ok(["sandbox", "create"]);
      const shown = await status();
      assert.equal(shown["status"], "Logged in as user alice");
      assert.equal(shown["api_endpoint"], service.endpoint);
      assert.equal(shown["workspace_id"], "0190d3c5-0000-7000-8000-0000000000aa");
      assert.match(String(shown["session_id"]), /^0190d3c5-/);
      assert.equal((await status({ TENKI_SESSION: "mine" }))["session_id"], "mine");
      assert.match(await world.ok(["status"]), /^status\s+: Logged in as user alice$/m);
    });

    it("says that the token is not accepted, or that nobody is there to ask", async () => {
      assert.match(
        String((await status({ TENKI_API_KEY: "tk_wrong", TENKI_API_URL: service.endpoint }))["status"]),
        /^Not logged in: /,
      );
      const nobody = await status({ TENKI_API_KEY: "tk_wrong", TENKI_API_URL: "http://127.0.0.1:1" });
      assert.match(String(nobody["status"]), /^Unknown: cannot reach/);
    });

    it("starts no engine where the endpoint is local", async () => {
      const shown = await status({ TENKI_API_ENDPOINT: "local" });
      assert.equal(shown["engine_state"], "STOPPED");
      assert.match(String(shown["status"]), /^Logged in to the engine on this machine/);
    });
  });
});
