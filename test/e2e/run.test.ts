import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { waitUntil } from "../../src/lib/wait-until.js";
import { ended, Workbench } from "./support/tenki.js";

interface Session {
  readonly id: string;
  readonly name: string;
  readonly state: string;
}

describe("run", () => {
  let bench: Workbench;
  before(async () => {
    bench = await Workbench.open();
    await bench.startEngine();
  });
  after(() => bench.close());
  const run = (...args: string[]) => bench.call(["sandbox", "run", ...args]);
  const living = () => bench.json<Session[]>(["sandbox", "list"]);

  it("runs a command in a sandbox of its own, with this side's streams, and leaves nothing", async () => {
    const { code, stdout } = await bench.call(
      ["sandbox", "run", "-q", "--env", "A=1", "-c", "read line; echo $line $A $(whoami) $(nproc); exit 7"],
      { input: "typed\n" },
    );
    assert.deepEqual([code, stdout.split(" ").slice(0, 3).join(" ")], [7, "typed 1 tenki"]);
    assert.deepEqual(await living(), []);
  });

  it("leaves nothing where the command cannot be started, and none was made for wrong words", async () => {
    assert.equal((await run("-q", "--", "no-such-program")).code, 127);
    assert.equal((await run("-q", "--timeout", "300ms", "--", "sleep", "1000")).code, 124);
    assert.equal((await run("--cpu", "100000", "--", "true")).code, 2);
    assert.deepEqual(await living(), []);
  });

  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    it(`leaves nothing at ${signal}, before the command runs and while it does`, async () => {
      const early = bench.spawn(["sandbox", "run", "-q", "--", "sleep", "1000"]);
      const earlyEnd = ended(early);
      const made = await waitUntil(async () => ((await living()).length > 0 ? true : undefined), {
        timeoutMs: 30_000,
      });
      assert.ok(made);
      early.kill(signal);
      assert.equal(await earlyEnd, code);
      assert.deepEqual(await living(), []);

      const call = bench.spawn(["sandbox", "run", "-q", "-c", "echo ready; exec sleep 1000"]);
      const end = ended(call);
      await new Promise((ready) => call.stdout?.once("data", ready));
      call.kill(signal);
      assert.equal(await end, code);
      assert.deepEqual(await living(), []);
    });
  }

  it("leaves nothing when nobody reads its output any more", async () => {
    const call = bench.spawn(["sandbox", "run", "--", "yes"]);
    const end = ended(call);
    await new Promise((ready) => call.stdout?.once("data", ready));
    call.stdout?.destroy();
    assert.equal(await end, 141);
    assert.deepEqual(await living(), []);
  });

  it("keeps the session with --keep, as the current one", async () => {
    const { code, stderr } = await run("--keep", "--name", "kept", "--", "touch", "here");
    assert.equal(code, 0);
    const [session] = await living();
    assert.deepEqual([session?.name, session?.state], ["kept", "RUNNING"]);
    assert.match(stderr, new RegExp(`session ${session?.id} is kept, and is the current one\n$`));
    assert.equal(await bench.ok(["sandbox", "exec", "-q", "--", "ls"]), "here\n");
  });
});
