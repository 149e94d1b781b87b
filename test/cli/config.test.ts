import assert from "node:assert/strict";
import { mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { ConfigFile } from "../../src/cli/config/config-file.js";
import { readPlainConfig, setInConfigText } from "../../src/cli/config/config-text.js";
import { readYamlConfig } from "../../src/cli/config/yaml-config.js";
import { TestWorld } from "./support/test-io.js";

describe("the config file's text", () => {
  const texts: readonly (readonly [string, Record<string, string>])[] = [
    ["", {}],
    ["# nothing\n\n", {}],
    [
      "auth_token: tk_abc\napi_endpoint: http://127.0.0.1:8365\n",
      { auth_token: "tk_abc", api_endpoint: "http://127.0.0.1:8365" },
    ],
    [
      "a: \"quoted \\\"text\\\"\" # why\nb: 'it''s'\nc: plain # comment\n",
      { a: 'quoted "text"', b: "it's", c: "plain" },
    ],
    ["a:\nb: ~\nc: null\nd: ''\n", { d: "" }],
    ["a: 007\nb: yes\n", { a: "007", b: "yes" }],
  ];

  for (const [text, values] of texts) {
    it(`is read without the YAML library: ${JSON.stringify(text)}`, () => {
      assert.deepEqual(Object.fromEntries(readPlainConfig(text) ?? [["not", "plain"]]), values);
    });
  }

  const others = [
    "a: [1]\n",
    "a: |\n  text\n",
    "a:\n  b: c\n",
    "- a\n",
    "a: &x 1\n",
    "a: 1\na: 2\n",
    "a: {b: c}\n",
    "? a\n: b\n",
    "a: b: c\n",
  ];
  for (const text of others) {
    it(`is left to the YAML library: ${JSON.stringify(text)}`, () =>
      assert.equal(readPlainConfig(text), undefined));
  }

  it("is read by that library as it is here", () => {
    for (const [text, values] of texts.slice(0, 5)) {
      assert.deepEqual(Object.fromEntries(readYamlConfig(text, "path")), values, text);
    }
  });

  it("changes in one line; comments, order and what belongs to others stay", () => {
    const text = "# mine\napi_endpoint: a # why\n\nother:\n  - 1\n\n  - 2\nauth_token: old\n# end\n";
    assert.equal(setInConfigText(text, "auth_token", "new"), text.replace("old", "new"));
    assert.equal(setInConfigText(text, "workspace_id", "w"), `${text}workspace_id: w\n`);
    assert.equal(
      setInConfigText(text, "other", undefined),
      "# mine\napi_endpoint: a # why\n\nauth_token: old\n# end\n",
    );
    assert.equal(setInConfigText("a: 1", "b", "2"), 'a: 1\nb: "2"\n');
    assert.equal(setInConfigText("", "a", undefined), "");
  });

  it("reads back what it writes, whatever it is", () => {
    const values = [
      "tk_a.b-c/d:e",
      "true",
      "null",
      "~",
      "",
      " x ",
      "a: b",
      "#",
      "- a",
      "12",
      "1e3",
      "0x1f",
      "ü",
      '"',
      "'",
      "\\n",
      "a#b",
      "key:",
      "@at",
      "*x",
    ];
    for (const value of values) {
      const text = setInConfigText("", "key", value);
      const read = readPlainConfig(text) ?? readYamlConfig(text, "path");
      assert.equal(read.get("key"), value, text);
      assert.equal(readYamlConfig(text, "path").get("key"), value, text);
    }
  });
});

describe("config", () => {
  it("sets, gets, lists with secrets blanked, removes, and says where", async () => {
    await using world = await TestWorld.open();
    assert.equal(await world.ok(["config", "path"]), `${world.configPath}\n`);
    assert.equal(await world.ok(["config", "list"]), "");
    assert.deepEqual(await world.json(["config", "list"]), {});
    await world.ok(["config", "set", "gateway", "w1"]);
    await world.ok(["config", "set", "auth_token", "-"], { input: "tk_secret\n" });
    assert.equal(await world.ok(["config", "get", "auth_token"]), "tk_secret\n");
    assert.equal(await world.json(["config", "get", "gateway"]), "w1");
    assert.deepEqual(await world.json(["config", "list"]), { gateway: "w1", auth_token: "********" });
    assert.doesNotMatch(await world.ok(["config", "list"]), /secret/);
    await world.ok(["config", "set", "gateway", ""]);
    assert.equal((await world.call(["config", "get", "gateway"])).code, 4);
  });

  it("keeps the file private, its directory too, and leaves nothing beside it", async () => {
    await using world = await TestWorld.open();
    await world.ok(["config", "set", "gateway", "w"]);
    assert.equal((await stat(world.configPath)).mode & 0o777, 0o600);
    assert.equal((await stat(dirname(world.configPath))).mode & 0o777, 0o700);
    assert.deepEqual(await readdir(dirname(world.configPath)), ["config.yaml"]);
  });

  it("honours XDG_CONFIG_HOME, and replaces the file that a link leads to", async () => {
    await using world = await TestWorld.open();
    const directory = join(world.home, "elsewhere", "tenki");
    await mkdir(directory, { recursive: true });
    await writeFile(join(world.home, "dotfile"), "gateway: old\n");
    await symlink("../../dotfile", join(directory, "config.yaml"));
    const env = { XDG_CONFIG_HOME: join(world.home, "elsewhere") };
    await world.ok(["config", "set", "gateway", "new"], { env });
    assert.equal(await readFile(join(world.home, "dotfile"), "utf8"), "gateway: new\n");
    assert.equal(await readlink(join(directory, "config.yaml")), "../../dotfile");
  });

  it("loses nothing when many write at once", async () => {
    await using world = await TestWorld.open();
    const keys = Array.from({ length: 20 }, (_, at) => `key_${at}`);
    await Promise.all(keys.map((key) => new ConfigFile(world.configPath).update({ [key]: key })));
    const values = await new ConfigFile(world.configPath).values();
    assert.deepEqual([...values.keys()].sort(), keys.sort());
  });

  it("keeps what other programs and people have written", async () => {
    await using world = await TestWorld.open();
    await mkdir(dirname(world.configPath), { recursive: true });
    await writeFile(world.configPath, "# mine\nprofile:\n  name: x # a comment\napi_endpoint: local\n");
    await world.ok(["config", "set", "api_endpoint", "https://api.tenki.cloud/"]);
    assert.equal(
      await readFile(world.configPath, "utf8"),
      "# mine\nprofile:\n  name: x # a comment\napi_endpoint: https://api.tenki.cloud\n",
    );
  });
});
