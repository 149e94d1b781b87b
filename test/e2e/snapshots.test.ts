import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { runProcess } from "../../src/lib/process.js";
import { loseMachine } from "./support/lose-machine.js";
import { type ShownSession, SnapshotBench } from "./support/snapshot-bench.js";

/** Whatever of a tree can be compared, as lines: kinds, modes, owners, sizes, targets, and what is in files. */
const describeTree =
  "sudo find . -printf '%y %m %U:%G %s %P -> %l\\n' | grep -v '^d' | sort; sudo find . -type f -exec sha256sum {} + | sort -k2";

const makeTree = `
mkdir -p tree/deep/er && cd tree
head -c 3000000 /dev/urandom > random; head -c 100 /dev/urandom > deep/small
ln -s random link; ln -s /nowhere/at/all dangling; ln random deep/hard
printf secret > private; chmod 600 private; chmod 4755 deep/small; sudo chown 7:8 private
mkfifo pipe; truncate -s 50M sparse; touch "a name with spaces and Ω"`;

describe("a snapshot", () => {
  let bench: SnapshotBench;
  before(async () => {
    bench = await SnapshotBench.open();
    await bench.session("original", "--cpu", "1", "--memory-mb", "512", "--env", "FROM_THERE=yes");
    await bench.shell("original", makeTree);
  });
  after(() => bench.tenki.close());
  const get = (name: string) => bench.tenki.json<ShownSession>(["sandbox", "get", name]);

  it("is the disk at one moment, whatever becomes of the session, and what is made of it is another machine", async () => {
    const at = await bench.shell(
      "original",
      `cd tree; ${describeTree}; sudo systemd-machine-id-setup 2>/dev/null || true`,
    );
    const taken = await bench.snapshot("create", "original", "--name", "whole", "--wait-durable");
    assert.deepEqual([taken.state, taken.durability, taken.type], ["READY", "DURABLE", "USER"]);
    assert.ok(taken.size_bytes > 3_000_000, `${taken.size_bytes}`);
    await bench.shell("original", "rm -rf tree; touch later");
    const { id, ...restored } = await bench.restore("whole", "restored");
    assert.deepEqual(
      [restored.source_snapshot_id, restored.cpu_cores, restored.memory_mb],
      [taken.id, 1, 512],
    );
    assert.equal(await bench.shell("restored", `cd tree; ${describeTree}`), at);
    assert.equal(
      await bench.shell("restored", "test ! -e later && hostname && cat /etc/hostname"),
      "restored\nrestored\n",
    );
    assert.equal(
      await bench.shell("restored", "echo $FROM_THERE; cat /etc/environment"),
      "yes\nFROM_THERE=yes\n",
    );
    assert.match(await bench.shell("restored", "cat /etc/hosts"), /\trestored\n/);
    assert.equal(await bench.shell("restored", "cat /etc/machine-id"), "");
    await bench.shell("restored", "rm tree/random; sudo apt-get --version >/dev/null");
    assert.equal(await bench.shell(id, "test -e tree/deep/hard && echo apart"), "apart\n");
    const again = await bench.restore("whole", "restored-2");
    assert.equal(await bench.shell(again.id, `cd tree; ${describeTree}`), at);
    await bench.end("restored", "restored-2");
  });

  it("is exported as a tar that holds what is inside, and downloaded with nothing but curl", async () => {
    await bench.restore("whole", "inside");
    const inside = await bench.shell(
      "inside",
      "cd tree; sha256sum random deep/small private 2>/dev/null; stat -c '%a %u:%g %s' private deep/small",
    );
    const file = join(bench.tenki.home, "whole.tar");
    await bench.tenki.ok(["sandbox", "snapshot", "export", "whole", "--out", file]);
    const directory = await bench.tenki.directory("unpacked");
    await runProcess(["tar", "-x", "-p", "--numeric-owner", "-C", directory, "-f", file]);
    const here = await runProcess([
      "sh",
      "-c",
      `cd ${directory}/home/tenki/tree; sha256sum random deep/small; stat -c '%a %u:%g %s' private deep/small; [ random -ef deep/hard ] && readlink dangling && test -p pipe`,
    ]);
    assert.equal(here, `${inside}/nowhere/at/all\n`);
    assert.equal(readFileSync(join(directory, "home/tenki/tree/private"), "utf8"), "secret");
    const { url } = await bench.tenki.json<{ url: string }>(["sandbox", "snapshot", "download-url", "whole"]);
    const downloaded = join(bench.tenki.home, "curl.tar");
    await runProcess(["curl", "-fsS", "-o", downloaded, url], { timeoutMs: 60_000 });
    const names = (path: string) => runProcess(["tar", "-t", "-f", path]);
    assert.equal(await names(downloaded), await names(file));
    await bench.end("inside");
  });

  it("is made into twenty sessions at once", async () => {
    const names = Array.from({ length: 20 }, (_, number) => `one-of-${number}`);
    const made = await Promise.all(
      names.map((name) =>
        bench.tenki.json<ShownSession>(
          ["sandbox", "snapshot", "restore", "whole", "--name", name, "--memory-mb", "128"],
          { timeoutMs: 180_000 },
        ),
      ),
    );
    assert.deepEqual(new Set(made.map(({ state }) => state)), new Set(["RUNNING"]));
    const sums = await Promise.all(
      names.map((name) => bench.shell(name, "sha256sum < tree/random; echo mine > tree/mine")),
    );
    assert.equal(new Set(sums).size, 1);
    await bench.end(...names);
  });

  it("goes, and what was made of it stays; and it is refused with what it cannot have", async () => {
    const made = await bench.restore("whole", "stays");
    const { id } = await bench.snapshot("get", "whole");
    await bench.tenki.ok(["sandbox", "snapshot", "delete", "whole", "--yes"]);
    assert.equal(await bench.shell("stays", "test -e tree/random && echo there"), "there\n");
    const { code, stderr } = await bench.tenki.call(["sandbox", "create", "--snapshot", id]);
    assert.deepEqual([code, /snapshot not found/.test(stderr)], [4, true], stderr);
    await bench.end(made.id);
    const ended = await bench.tenki.call(["sandbox", "snapshot", "create", made.id]);
    assert.deepEqual([ended.code, /session is terminated/.test(ended.stderr)], [1, true], ended.stderr);
    assert.deepEqual([await bench.list(), bench.left("snapshots")], [[], []]);
  });

  it("holds no memory, for the reasons that doctor sees too", async () => {
    const { code, stderr } = await bench.tenki.call([
      "sandbox",
      "snapshot",
      "create",
      "original",
      "--memory",
    ]);
    const [, why = ""] =
      /^error: cannot take the memory of processes: (this engine .*)\nhint: /.exec(stderr) ?? [];
    const { stdout } = await bench.tenki.call(["engine", "doctor", "--json"]);
    const { checks } = JSON.parse(stdout) as { checks: { name: string; ok: boolean; detail: string }[] };
    const { ok, detail } = checks.find(({ name }) => name === "memory snapshots") ?? {};
    assert.deepEqual([code, ok, detail], [1, false, `snapshots hold no processes: ${why}`], stderr);
    assert.deepEqual(await bench.list(), []);
  });

  it("goes by itself when it expires", async () => {
    const { id, expires_at: at } = await bench.snapshot("create", "original", "--expires-at", "1s");
    await bench.until("original", "echo", /\n/);
    const deadline = Date.now() + 30_000;
    while ((await bench.list()).length > 0) assert.ok(Date.now() < deadline, "it is still there");
    assert.deepEqual(bench.left("snapshots"), []);
    for (const verb of ["get", "restore"]) {
      const { code, stderr } = await bench.tenki.call(["sandbox", "snapshot", verb, id]);
      assert.equal(code, 4);
      assert.match(stderr, new RegExp(`^error: snapshot not found: ${id} expired at ${at?.slice(0, 19)}`));
      assert.match(stderr, /^hint: tenki sandbox snapshot list shows what there is/m);
    }
  });

  it("of a paused session is its disk: after the machine's end, and for others meanwhile", async () => {
    await bench.shell("original", "echo kept > kept; sync");
    await bench.tenki.ok(["sandbox", "pause", "original"]);
    const { pause_snapshot_id: id } = await get("original");
    const shown = await bench.snapshot("get", id ?? "");
    assert.deepEqual(
      [shown.type, shown.durability, shown.session_id],
      ["PAUSE", "DURABLE", (await get("original")).id],
    );
    assert.ok(shown.size_bytes > 0);
    const refused = await bench.tenki.call(["sandbox", "snapshot", "delete", id ?? "", "--yes"]);
    assert.match(refused.stderr, /disk of a paused session: .*\nhint: tenki sandbox resume/);
    await bench.restore(id ?? "", "copy");
    assert.equal(await bench.shell("copy", "cat kept"), "kept\n");
    await bench.end("copy");
    await loseMachine(bench.tenki.dataDir, bench.pid);
    await bench.start();
    assert.deepEqual(
      (await bench.list()).map((each) => [each.id, each.type]),
      [[id, "PAUSE"]],
    );
    await bench.restore(id ?? "", "copy-2");
    assert.equal(await bench.shell("copy-2", "cat kept"), "kept\n");
    await bench.tenki.ok(["sandbox", "resume", "original"]);
    assert.equal(await bench.shell("original", "cat kept"), "kept\n");
    assert.deepEqual([(await get("original")).pause_snapshot_id, await bench.list()], [null, []]);
    assert.deepEqual(bench.left("snapshots"), []);
    await bench.end("copy-2", "original");
  });
});
