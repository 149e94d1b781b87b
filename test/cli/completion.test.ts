import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { runProcess, tryProcess } from "../../src/lib/process.js";
import { leafPaths } from "./support/command-tree.js";
import { TestWorld } from "./support/test-io.js";

const isInstalled = (program: string): Promise<boolean> =>
  tryProcess([program, "--version"]).then(
    () => true,
    () => false,
  );

const pressTab = resolve("test/cli/support/press-tab.zsh");

describe("completion", () => {
  let world: TestWorld;
  before(async () => {
    world = await TestWorld.open();
    for (const shell of ["bash", "zsh", "fish"]) {
      await writeFile(join(world.home, `completion.${shell}`), await world.ok(["completion", shell]));
    }
    await mkdir(join(world.home, "folder"));
    await writeFile(join(world.home, "file.txt"), "");
  });
  after(() => world[Symbol.asyncDispose]());

  /** What a real bash offers for a line, as somebody presses Tab at its end. */
  async function offered(line: string): Promise<string[]> {
    const words = line.split(" ");
    const script = `
      source "${world.home}/completion.bash"
      cd "${world.home}"
      COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}) COMP_CWORD=${words.length - 1}
      $(complete -p tenki | sed 's/.*-F \\([^ ]*\\).*/\\1/')
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const said = await runProcess(["bash", "--norc", "-c", script]);
    return said.split("\n").filter((word) => word !== "");
  }

  it("offers commands and aliases by their beginning", async () => {
    assert.deepEqual(await offered("tenki sand"), ["sandbox"]);
    assert.ok((await offered("tenki ")).includes("login"));
    assert.deepEqual(await offered("tenki sandbox ter"), ["terminate"]);
    assert.deepEqual((await offered("tenki sandbox fs ")).sort(), ["cat", "ls", "mkdir", "mv", "rm", "stat"]);
    assert.deepEqual(await offered("tenki sb fs m"), ["mkdir", "mv"]);
    assert.deepEqual(await offered("tenki --json sandbox cre"), ["create"]);
  });

  it("offers flags, and what they take", async () => {
    assert.deepEqual(await offered("tenki sandbox create --mem"), ["--memory-mb"]);
    assert.deepEqual(await offered("tenki sbx new --no-w"), ["--no-wait"]);
    assert.deepEqual(await offered("tenki sandbox list -o "), ["text", "json", "yaml"]);
    assert.deepEqual(await offered("tenki sandbox list --state PAU"), ["PAUSING", "PAUSED"]);
    assert.deepEqual(await offered("tenki completion z"), ["zsh"]);
    assert.deepEqual(await offered("tenki sandbox create --name "), []);
  });

  it("offers files where files are named", async () => {
    assert.deepEqual(await offered("tenki sandbox write --data-file fi"), ["file.txt"]);
    assert.deepEqual((await offered("tenki sandbox cp f")).sort(), ["file.txt", "folder"]);
    assert.deepEqual(await offered("tenki sandbox get f"), []);
  });

  it("leaves a program's own words alone", async () => {
    assert.deepEqual(await offered("tenki sandbox exec -- ls --"), []);
  });

  it("knows every command, in every shell", async () => {
    for (const shell of ["bash", "zsh", "fish"]) {
      const script = await world.ok(["completion", shell]);
      for (const path of leafPaths())
        assert.ok(script.includes(`tenki ${path.join(" ")}`), `${shell}: ${path.join(" ")}`);
    }
  });

  for (const shell of ["bash", "zsh", "fish"]) {
    it(`is what ${shell} can read, where it is there`, async (test) => {
      const checked = await tryProcess([shell, "-n", join(world.home, `completion.${shell}`)]).catch(
        () => undefined,
      );
      if (checked === undefined) return test.diagnostic(`${shell} is not installed`);
      assert.deepEqual({ code: checked.exitCode, stderr: checked.stderr }, { code: 0, stderr: "" });
    });
  }

  const inZsh: Readonly<Record<string, string>> = {
    "tenki sand": "tenki sandbox ",
    "tenki sandbox exe": "tenki sandbox exec ",
    "tenki sb fs mk": "tenki sb fs mkdir ",
    "tenki --json sandbox cre": "tenki --json sandbox create ",
    "tenki sandbox create --mem": "tenki sandbox create --memory-mb ",
    "tenki sandbox list -o ya": "tenki sandbox list -o yaml ",
    "tenki sandbox list --state PAUSE": "tenki sandbox list --state PAUSED ",
    "tenki completion z": "tenki completion zsh ",
    "tenki sandbox write --data-file fi": "tenki sandbox write --data-file file.txt ",
    "tenki sandbox get fi": "tenki sandbox get fi",
    "tenki sandbox exec -- ls --": "tenki sandbox exec -- ls --",
  };

  it("completes in zsh what is typed", async (test) => {
    if (!(await isInstalled("zsh"))) return test.diagnostic("zsh is not installed");
    const argv = ["zsh", "-f", pressTab, join(world.home, "completion.zsh"), ...Object.keys(inZsh)];
    const said = await runProcess(argv, {
      cwd: world.home,
      env: { PATH: process.env["PATH"], TERM: "xterm" },
    });
    assert.deepEqual(
      said.trimEnd().split("\n"),
      Object.values(inZsh).map((line) => `<${line}>`),
    );
  });

  const inFish: Readonly<Record<string, readonly string[]>> = {
    "tenki sand": ["sandbox"],
    "tenki sandbox ex": ["exec", "expose", "extend"],
    "tenki sb fs m": ["mkdir", "mv"],
    "tenki --json sandbox cre": ["create"],
    "tenki sandbox create --mem": ["--memory-mb"],
    "tenki sandbox list -o ": ["json", "text", "yaml"],
    "tenki sandbox list --state PAU": ["PAUSED", "PAUSING"],
    "tenki completion z": ["zsh"],
    "tenki sandbox write --data-file fi": ["file.txt"],
    "tenki sandbox get f": [],
    "tenki sandbox exec -- ls --": [],
  };

  it("offers in fish what fits", async (test) => {
    if (!(await isInstalled("fish"))) return test.diagnostic("fish is not installed");
    for (const [line, expected] of Object.entries(inFish)) {
      const script = `source completion.fish; complete -C '${line}'`;
      const env = { PATH: process.env["PATH"], HOME: world.home };
      const said = await runProcess(["fish", "--no-config", "-c", script], { cwd: world.home, env });
      const words = said.split("\n").flatMap((each) => (each === "" ? [] : [each.split("\t")[0] ?? ""]));
      assert.deepEqual(words.sort(), expected, line);
    }
  });

  it("prints the same script in JSON", async () => {
    const { script } = await world.json<{ script: string }>(["completion", "bash"]);
    assert.equal(script, await world.ok(["completion", "bash"]));
  });
});
