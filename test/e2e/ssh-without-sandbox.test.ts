import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { SshPlace } from "./support/ssh-place.js";
import { Workbench } from "./support/tenki.js";

const refusal =
  "error: ssh is not to be had with --isolation process: there is no sandbox that would hold who comes in";

/** Plain processes of this machine's user: a login would be one to this machine. */
describe("ssh with --isolation process", () => {
  let bench: Workbench;
  before(async () => {
    bench = await Workbench.open();
    await bench.startEngine("--isolation", "process");
    await bench.ok(["login", "--endpoint", "local"]);
    await bench.ok(["sandbox", "create", "--name", "demo"]);
  });
  after(() => bench.close());

  it("is refused in words by every way to it", async () => {
    const flags = await bench.call(["sandbox", "ssh", "demo", "true"]);
    assert.deepEqual(flags, { code: 125, stdout: "", stderr: `${refusal}\n` });
    const line = await bench.call(["sandbox", "ssh-command", "demo"]);
    assert.deepEqual(line, { code: 1, stdout: "", stderr: `${refusal}\n` });
    await bench.ok(["sandbox", "ssh", "config", "install"]);
    const place = new SshPlace(bench);
    const { code, stdout, stderr } = await place.ssh("sbx-demo", "true");
    place.close();
    assert.deepEqual([code, stdout, stderr.split("\n")[0]], [255, "", refusal]);
    assert.equal(stderr.match(/^error:/gm)?.length, 1);
  });
});
