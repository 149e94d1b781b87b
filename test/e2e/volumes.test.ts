import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { runProcess } from "../../src/lib/process.js";
import { readProcessIdentity } from "../../src/lib/process-identity.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { hostState, instanceIdOf } from "./support/host-state.js";
import { killEngine, loseMachine } from "./support/lose-machine.js";
import { Workbench } from "./support/tenki.js";

interface ShownVolume {
  readonly id: string;
  readonly state: string;
  readonly size_bytes: number;
  readonly attachments: readonly {
    session_id: string;
    mount_path: string;
    readonly: boolean;
    state: string;
  }[];
}

interface ShownSession {
  readonly id: string;
  readonly state: string;
  readonly volumes: readonly { mount_path: string; state: string }[];
}

const MiB = 2 ** 20;

describe("volumes", () => {
  let bench: Workbench;
  let pid: number;
  before(async () => {
    bench = await Workbench.open();
    ({ pid } = await bench.startEngine());
  });
  after(() => bench.close());

  const volume = (...words: string[]) => ["sandbox", "volume", ...words];
  const create = (name: string, size = "64MiB") =>
    bench.json<ShownVolume>(volume("create", name, "--size", size));
  const get = (name: string) => bench.json<ShownVolume>(volume("get", name));
  const session = (name: string, ...flags: string[]) =>
    bench.json<ShownSession>(["sandbox", "create", "--name", name, ...flags]);
  const shell = (name: string, line: string) =>
    bench.ok(["sandbox", "exec", "--session", name, "-q", "-c", line]);
  const shellFails = async (name: string, line: string, expected: RegExp) => {
    const { code, stderr } = await bench.call(["sandbox", "exec", "--session", name, "-q", "-c", line]);
    assert.notEqual(code, 0, line);
    assert.match(stderr, expected);
  };
  const end = (name: string) => bench.ok(["sandbox", "terminate", name, "--yes"]);
  const initOf = (id: string) =>
    (JSON.parse(readFileSync(join(bench.dataDir, "sessions", id, "init.json"), "utf8")) as { pid: number })
      .pid;

  it("carries a build's cache through ten sessions", async () => {
    await create("cache");
    const build = "[ -e .cache/build/done ] && echo warm || { echo cold; touch .cache/build/done; }";
    for (let round = 1; round <= 10; round += 1) {
      const [name, expected] = [`build-${round}`, round === 1 ? "cold\n" : "warm\n"];
      const made = await session(name, "--volume", "cache:/home/tenki/.cache/build");
      assert.deepEqual(
        made.volumes.map(({ mount_path: path, state }) => [path, state]),
        [["/home/tenki/.cache/build", "ATTACHED"]],
      );
      assert.equal(await shell(name, build), expected);
      assert.equal((await get("cache")).state, "IN_USE");
      await end(name);
    }
    assert.deepEqual(await get("cache").then(({ state, attachments }) => [state, attachments]), [
      "AVAILABLE",
      [],
    ]);
  });

  it("runs programs that lie on it, and none with its owner's rights", async () => {
    await create("programs");
    await session("runs", "--volume", "programs:/data");
    assert.equal(await shell("runs", "cp /bin/echo /data/say && /data/say yes"), "yes\n");
    const flags = await shell("runs", "grep ' /data ' /proc/self/mounts");
    assert.match(flags, /nosuid/);
    assert.match(flags, /nodev/);
    await end("runs");
  });

  it("is read by several at once, and then written by none", async () => {
    await create("shared");
    await session("writer", "--volume", "shared:/data");
    await shell("writer", "echo kept > /data/file");
    const second = await bench.call(["sandbox", "create", "--name", "late", "--volume", "shared:/data:ro"]);
    assert.match(second.stderr, /volume is attached to session/);
    await bench.ok(volume("detach", "writer", "shared"));
    for (const name of ["one", "two"]) {
      await session(name);
      await bench.ok(volume("attach", name, "shared", "--mount", "/models", "--readonly"));
    }
    for (const name of ["one", "two"]) {
      assert.equal(await shell(name, "cat /models/file"), "kept\n");
      await shellFails(name, "sudo touch /models/new", /Read-only file system/);
    }
    const { code, stderr } = await bench.call(volume("attach", "writer", "shared", "--mount", "/data"));
    assert.equal(code, 1);
    assert.match(stderr, /volume is attached to session .* for reading/);
    const refused = await bench.call(volume("delete", "shared", "--yes"));
    assert.match(refused.stderr, /volume is attached/);
    for (const name of ["writer", "one", "two"]) await end(name);
  });

  it("holds what it is to hold, and more as soon as it is resized", async () => {
    await create("bounded", "16MiB");
    await session("fills", "--volume", "bounded:/data");
    const fill = "sudo dd if=/dev/zero of=/data/big bs=64k";
    await shellFails("fills", fill, /No space left on device/);
    const size = async () => Number(await shell("fills", "stat -c %s /data/big"));
    assert.ok((await size()) <= 16 * MiB && (await size()) > 15 * MiB, `${await size()}`);
    const smaller = await bench.call(volume("resize", "bounded", "--size", "8MiB"));
    assert.match(smaller.stderr, /cannot shrink to 8 MiB/);
    await bench.ok(volume("resize", "bounded", "--size", "32MiB"));
    await shellFails("fills", fill, /No space left on device/);
    assert.ok((await size()) <= 32 * MiB && (await size()) > 30 * MiB, `${await size()}`);
    await shell("fills", "rm /data/big; sync -f /data");
    await bench.ok(volume("resize", "bounded", "--size", "1MiB"));
    await shellFails("fills", fill, /No space left on device/);
    assert.ok((await size()) <= MiB, `${await size()}`);
    await end("fills");
    await session("again", "--volume", "bounded:/data");
    await shellFails("again", "dd if=/dev/zero of=/data/more bs=64k count=32", /No space left on device/);
    await end("again");
  });

  it("is refused where it cannot be, and nothing of that stays", async () => {
    await create("picky");
    await session("place", "--volume", "picky:/data");
    await create("second");
    const refusedCalls: readonly (readonly [readonly string[], number, RegExp])[] = [
      [volume("create", "x", "--size", "1024"), 2, /invalid size "1024"/],
      [volume("create", "x", "--size", "200GiB"), 2, /invalid size "200GiB"/],
      [volume("create", "x", "--size", "1kB"), 2, /invalid size "1kB"/],
      [volume("attach", "place", "second", "--mount", "data"), 2, /invalid mount path "data"/],
      [volume("attach", "place", "second", "--mount", "/"), 1, /^error: /],
      [volume("attach", "place", "second", "--mount", "/data"), 1, /mount path \/data is taken/],
      [volume("attach", "place", "second", "--mount", "/data/below"), 1, /is taken/],
      [
        volume("attach", "place", "picky", "--mount", "/other"),
        1,
        /volume is attached to this session already/,
      ],
    ];
    for (const [words, code, expected] of refusedCalls) {
      const outcome = await bench.call(words);
      assert.deepEqual([outcome.code, expected.test(outcome.stderr)], [code, true], outcome.stderr);
    }
    assert.equal((await get("second")).state, "AVAILABLE");
    assert.equal((await get("picky")).attachments.length, 1);
    await end("place");
  });

  it("stays while somebody uses it, unless that is ended by force", async () => {
    await create("used");
    await session("user", "--volume", "used:/data");
    await shell("user", "cd /data; sleep 1000 </dev/null >/dev/null 2>&1 & echo $! > ~/pid");
    const { code, stderr } = await bench.call(volume("detach", "user", "used"));
    assert.equal(code, 1);
    assert.match(stderr, /volume is in use by sleep \(pid \d+\)/);
    assert.equal((await get("used")).attachments[0]?.state, "ATTACHED");
    await bench.ok(volume("detach", "user", "used", "--force"));
    assert.equal((await get("used")).state, "AVAILABLE");
    await shellFails("user", "kill -0 $(cat ~/pid)", /No such process/);
    assert.equal(await shell("user", "ls -A /data"), "", "it is there no more");
    await end("user");
  });

  it("does not follow a link that the guest has laid", async () => {
    await create("straight");
    await session("links");
    await shell("links", "ln -s /etc trap; mkdir real");
    for (const path of ["/home/tenki/trap", "/home/tenki/trap/below", "/home/tenki/.bashrc/x"]) {
      const { code, stderr } = await bench.call(volume("attach", "links", "straight", "--mount", path));
      assert.equal(code, 1, path);
      assert.match(stderr, /goes through a link, or a file/);
    }
    assert.equal((await get("straight")).state, "AVAILABLE");
    // What it lies in may be renamed: it is found all the same.
    await bench.ok(volume("attach", "links", "straight", "--mount", "/home/tenki/real/volume"));
    await shell("links", "mv real elsewhere && touch elsewhere/volume/file");
    await bench.ok(volume("detach", "links", "straight"));
    assert.equal(await shell("links", "ls -A elsewhere/volume"), "");
    await end("links");
  });

  it("has what was synced, whatever happens to the engine and to the sandbox", async () => {
    const { id } = await create("kept");
    const owner = await session("owner", "--volume", "kept:/data");
    await shell("owner", "echo synced > /data/one; sync /data/one");
    // What a loss of power would leave of the disk at this moment: it is in use, and was never closed.
    const image = join(bench.dataDir, "volumes", `${id}.img`);
    const copy = join(await bench.directory("lost"), "copy.img");
    await runProcess(["cp", "--sparse=always", image, copy]);
    await killEngine(pid);
    await shell("owner", "true").catch(() => undefined);
    ({ pid } = await bench.startEngine());
    await shell("owner", "cat /data/one; echo two > /data/two; sync /data/two");
    process.kill(initOf(owner.id), "SIGKILL");
    await waitUntil(
      async () =>
        (await bench.json<ShownSession>(["sandbox", "get", "owner"])).state === "TERMINATED"
          ? true
          : await bench
              .call(["sandbox", "exec", "--session", "owner", "-q", "--", "true"])
              .then(() => undefined),
      { timeoutMs: 30_000 },
    );
    assert.equal((await get("kept")).state, "AVAILABLE");
    await session("heir", "--volume", "kept:/data");
    assert.equal(await shell("heir", "cat /data/one /data/two"), "synced\ntwo\n");
    await end("heir");

    await create("lost");
    const lost = await get("lost");
    await runProcess(["cp", "--sparse=always", copy, join(bench.dataDir, "volumes", `${lost.id}.img`)]);
    await session("finder", "--volume", "lost:/data");
    assert.equal(await shell("finder", "cat /data/one"), "synced\n");
    await end("finder");
  });

  it("is with a paused session over a reboot of the machine", async () => {
    await create("rebooted");
    await session("sleeper", "--volume", "rebooted:/data");
    await shell("sleeper", "echo before > /data/file");
    await bench.ok(["sandbox", "pause", "sleeper"]);
    await loseMachine(bench.dataDir, pid);
    ({ pid } = await bench.startEngine());
    assert.equal((await get("rebooted")).state, "IN_USE");
    await bench.ok(["sandbox", "resume", "sleeper"]);
    assert.equal(await shell("sleeper", "cat /data/file; echo after >> /data/file"), "before\n");
    await bench.ok(volume("detach", "sleeper", "rebooted"));
    await end("sleeper");
  });

  it("leaves nothing when it is deleted", async () => {
    const all = await bench.json<ShownVolume[]>(volume("list"));
    assert.ok(all.length > 5);
    assert.ok(all.every(({ state }) => state === "AVAILABLE"));
    await bench.ok(volume("delete", ...all.map(({ id }) => id), "--yes"));
    assert.deepEqual(await bench.json(volume("list")), []);
    assert.deepEqual(readdirSync(join(bench.dataDir, "volumes")), []);
    const left = await hostState(bench.dataDir, instanceIdOf(bench.dataDir));
    assert.deepEqual(
      left.filter((line) => line.includes("/volumes/")),
      [],
    );
    assert.ok(existsSync(bench.dataDir) && readProcessIdentity(pid) !== undefined);
  });
});
