import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { allPaths } from "./support/command-tree.js";
import { assertGolden } from "./support/golden.js";
import { TestWorld } from "./support/test-io.js";

describe("--help", () => {
  for (const path of allPaths()) {
    it(`of ${["tenki", ...path].join(" ")}`, async () => {
      await using world = await TestWorld.open();
      const { code, stdout, stderr } = await world.call([...path, "--help"]);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
      assertGolden(`help/${["tenki", ...path].join("-")}.txt`, stdout);
    });
  }

  it("is what a group, -h and help NAME say too", async () => {
    await using world = await TestWorld.open();
    const help = await world.ok(["sandbox", "--help"]);
    assert.equal(await world.ok(["sandbox"]), help);
    assert.equal(await world.ok(["sandbox", "-h"]), help);
    assert.equal(await world.ok(["help", "sandbox"]), help);
    assert.equal(await world.ok(["sb", "--help"]), help);
    assert.equal(await world.ok(["help", "sandbox", "create"]), await world.ok(["sbx", "new", "--help"]));
    assert.equal(await world.ok([]), await world.ok(["--help"]));
    assert.equal(await world.ok(["help"]), await world.ok(["--help"]));
    assert.equal(await world.ok(["sandbox", "help"]), help);
    assert.equal(
      await world.ok(["sb", "help", "fs", "ls"]),
      await world.ok(["sandbox", "fs", "ls", "--help"]),
    );
    assert.equal((await world.call(["sandbox", "help", "nothing"])).code, 2);
  });

  it("opens no file and no connection", async () => {
    await using world = await TestWorld.open({
      TENKI_API_ENDPOINT: "local",
      XDG_CONFIG_HOME: "/proc/no-such-place",
    });
    await world.ok(["sandbox", "exec", "--help"]);
    await world.ok(["--version"]);
    assert.equal(existsSync(world.env["TENKI_ENGINE_DATA_DIR"] ?? ""), false);
  });

  it("fits the terminal", async () => {
    await using world = await TestWorld.open();
    const narrow = await world.ok(["sandbox", "exec", "--help"], { terminal: ["stdout"], columns: 60 });
    const description = narrow.slice(0, narrow.indexOf("Arguments:"));
    assert.ok(
      description.split("\n").every((line) => line.length <= 60),
      description,
    );
  });
});

describe("--version", () => {
  it("is the same everywhere", async () => {
    await using world = await TestWorld.open();
    const version = await world.ok(["--version"]);
    assert.match(version, /^tenki version \d+\.\d+\.\d+\n$/);
    for (const args of [
      ["version"],
      ["sandbox", "--version"],
      ["sandbox", "list", "--version"],
      ["-q", "version"],
    ]) {
      assert.equal(await world.ok(args), version, args.join(" "));
    }
    assert.deepEqual(await world.json(["version"]), { version: version.trim().split(" ").at(-1) });
  });
});
