import assert from "node:assert/strict";
import { resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { waitUntil } from "../../src/lib/wait-until.js";
import { Workbench } from "./support/tenki.js";
import { Tmux } from "./support/tmux.js";

interface Sample {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly cpu_used_cores: number;
  readonly memory_bytes: number;
  readonly processes: number;
  readonly network_received_bytes: number;
  readonly network_sent_bytes: number;
  readonly disk_used_bytes: number;
}

describe("top of a real engine", () => {
  let bench: Workbench;
  before(async () => {
    bench = await Workbench.open();
    await bench.startEngine();
    await bench.ok(["sandbox", "create", "--name", "idle"]);
    await bench.ok(["sandbox", "create", "--name", "busy", "--cpu", "1"]);
  });
  after(() => bench.close());

  const top = async (...args: string[]) => bench.json<Sample[]>(["sandbox", "top", ...args]);
  const inside = (script: string) =>
    bench.ok(["sandbox", "exec", "--session", "busy", "--quiet", "-c", script]);

  it("tells who is busy from who is not, in cores", async () => {
    await inside("(setsid sh -c 'while :; do :; done' > /dev/null 2>&1 < /dev/null &)");
    const [busy, idle] = await top("busy", "idle");
    assert.ok(busy !== undefined && idle !== undefined);
    // The other end of a core may be somebody else's on this machine; more than one it never gets.
    assert.ok(busy.cpu_used_cores > 0.1 && busy.cpu_used_cores < 1.2, `${busy.cpu_used_cores}`);
    assert.ok(idle.cpu_used_cores < busy.cpu_used_cores, `${idle.cpu_used_cores}`);
    assert.ok(busy.processes > idle.processes && idle.processes >= 1);
    await inside("pkill -f '[w]hile :'");
  });

  it("counts what went through the network, as the sandbox sees it", async () => {
    const [before] = await top("busy");
    await inside("bash -c 'for i in 1 2 3 4 5; do head -c 1000 /dev/zero > /dev/udp/192.0.2.1/9; done'");
    const [now] = await top("busy");
    assert.ok(before !== undefined && now !== undefined);
    assert.ok(now.network_sent_bytes - before.network_sent_bytes >= 5_000);
    assert.ok(now.network_received_bytes >= before.network_received_bytes);
  });

  it("shows a paused session with what it keeps, and engine status counts it", async () => {
    await bench.ok(["sandbox", "pause", "idle"]);
    const [paused] = await top("idle");
    assert.equal(paused?.state, "PAUSED");
    assert.ok(paused.disk_used_bytes > 0);
    const status = await bench.json<{ sessions_by_state: object }>(["engine", "status"]);
    assert.deepEqual(status.sessions_by_state, { RUNNING: 1, PAUSED: 1 });
    await bench.ok(["sandbox", "resume", "idle"]);
  });

  it("is no activity", async () => {
    const { id } = (await top("idle"))[0] ?? assert.fail();
    const lastActivity = async () =>
      (await bench.json<{ last_activity_at: string }>(["sandbox", "get", id])).last_activity_at;
    const before = await lastActivity();
    await top("idle");
    assert.equal(await lastActivity(), before);
  });

  it("keeps a table up to date in a terminal, follows its size, and leaves it as it was", async () => {
    const tmux = await Tmux.open(bench.env);
    try {
      await tmux.type(`${process.execPath} ${resolve("bin/tenki")} sandbox top --interval 100ms`);
      await tmux.press("Enter");
      await tmux.shows(/^tenki sandbox top: every 100ms, q ends$/m);
      await tmux.shows(/^busy +RUNNING .*\/1 /m);
      await tmux.shows(/^idle +RUNNING /m);
      assert.doesNotMatch(await tmux.screen(), /local>/, "a page of its own");
      await bench.ok(["sandbox", "create", "--name", "later"]);
      await tmux.shows(/^later +RUNNING /m);
      await bench.ok(["sandbox", "terminate", "later"]);
      const gone = await waitUntil(async () => (/^later/m.test(await tmux.screen()) ? undefined : true), {
        timeoutMs: 20_000,
        intervalMs: 50,
      });
      assert.ok(gone, await tmux.screen());
      await tmux.resize(60, 4);
      await tmux.shows(/^… 2 more$/m);
      await tmux.resize(100, 30);
      await tmux.shows(/^idle +RUNNING /m);
      await tmux.press("q");
      await tmux.shows(/local>\s*$/);
      assert.doesNotMatch(await tmux.screen(), /RUNNING/, "what was there before is there again");
      await tmux.type(
        "echo code=$?; stty -a | tr ' ;' '\\n\\n' | grep -x -e echo -e icanon | sort | tr '\\n' ' '",
      );
      await tmux.press("Enter");
      await tmux.shows(/^code=0$/m);
      await tmux.shows(/^echo icanon/m);
    } finally {
      await tmux.close();
    }
  });
});
