import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { processArguments } from "./support/process-arguments.js";
import { ended, Workbench } from "./support/tenki.js";

describe("a session's environment", () => {
  let bench: Workbench;
  before(async () => {
    bench = await Workbench.open();
    await bench.startEngine();
    await writeFile(join(bench.home, "some.env"), "# some\nFROM_FILE=a b 'c'\nFROM_HERE\n");
    const flags = ["--env", "PLAIN=yes", "--env", "SECRET", "--env-file", "some.env"];
    const env = { SECRET: "planted$`\"'value", FROM_HERE: "here" };
    await bench.ok(["sandbox", "create", "--name", "demo", "-v", ...flags], { env });
  });
  after(() => bench.close());
  const show = 'printf "%s|%s|%s|%s" "$PLAIN" "$FROM_FILE" "$FROM_HERE" "$SECRET"';
  const whole = "yes|a b 'c'|here|planted$`\"'value";
  const exec = async (...args: string[]) => (await bench.call(["sandbox", "exec", "-q", ...args])).stdout;

  it("is with every command, root's and a login shell's too", async () => {
    assert.equal(await exec("-c", show), whole);
    assert.equal(await exec("--user", "root", "-c", show), whole);
    assert.equal(await exec("--", "bash", "-lc", show), whole);
    assert.equal(await exec("--env", "PLAIN=mine", "--", "sh", "-c", show), whole.replace("yes", "mine"));
  });

  it("is what PAM reads, so that sudo has it", async () => {
    assert.equal(
      await exec("--", "sudo", "sh", "-c", 'echo "$PLAIN $FROM_FILE $FROM_HERE"'),
      "yes a b 'c' here\n",
    );
  });

  it("is shown nowhere", async () => {
    for (const args of [["get"], ["get", "--json", "-v"], ["list", "-v"], ["exec", "-v", "--", "true"]]) {
      const { stdout, stderr } = await bench.call(["sandbox", ...args]);
      assert.doesNotMatch(stdout + stderr, /planted/, args.join(" "));
    }
    assert.doesNotMatch(await bench.ok(["engine", "logs"]), /planted/);
  });

  it("takes one command's secret by name", async () => {
    const { code, stdout, stderr } = await bench.call(
      ["sandbox", "exec", "-v", "--env", "MINE", "-c", 'test -n "$MINE" && echo given'],
      { env: { MINE: "planted" } },
    );
    assert.deepEqual([code, stdout], [0, "given\n"]);
    assert.doesNotMatch(stderr, /planted/);
  });

  it("has no secret in any program's arguments, here or inside", async () => {
    const words = ["sandbox", "exec", "-q", "--env", "MINE", "-c", "echo runs; exec sleep 1000"];
    const running = bench.spawn(words, { env: { MINE: "planted" } });
    const over = ended(running);
    await new Promise((resolve) => running.stdout?.once("data", resolve));
    const lines = processArguments();
    running.kill("SIGTERM");
    assert.ok(
      lines.some((line) => line.endsWith("sleep 1000") && !line.includes("sandbox")), // the shell, or what became of it
      "the command was not seen at all",
    );
    assert.deepEqual(
      lines.filter((line) => line.includes("planted")),
      [],
    );
    assert.equal(await over, 128 + 15);
  });
});
