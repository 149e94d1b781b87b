import assert from "node:assert/strict";
import { chmod, statfs, truncate, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Client } from "../../src/client/index.js";
import { runProcess, tryProcess } from "../../src/lib/process.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { SnapshotBench } from "./support/snapshot-bench.js";
import { Workbench } from "./support/tenki.js";

const MiB = 2 ** 20;
const toFree = /free at least [\d.]+ MiB there, or give the engine another --data-dir/;

/** An engine on a disk of its own, which others fill to its last byte while sessions are at work. */
describe("a host's disk that fills up", () => {
  let bench: SnapshotBench;
  let filling: string;
  let tenki: Workbench;
  before(async () => {
    tenki = await Workbench.open();
    const [image, disk] = [join(tenki.home, "disk.img"), await tenki.directory("engine")];
    await writeFile(image, "");
    await truncate(image, 1200 * MiB);
    await runProcess(["mkfs.ext4", "-q", "-F", image]);
    await runProcess(["mount", "-o", "loop", image, disk]);
    await chmod(disk, 0o700);
    filling = join(disk, "filling");
    bench = await SnapshotBench.on(tenki);
    await tenki.ok(volume("create", "cache", "--size", "64MiB"));
    await tenki.ok(volume("create", "spare", "--size", "64MiB"));
    await bench.session("demo", "--memory-mb", "256", "--volume", "cache:/cache");
    for (const place of ["/home/tenki", "/cache"])
      await bench.shell(
        "demo",
        `cd ${place}; head -c 9000000 /dev/urandom > data; sha256sum data > sum; sync`,
      );
    await bench.snapshot("create", "demo", "--name", "base", "--wait-durable");
    await bench.session("doomed", "--memory-mb", "256");
  });
  after(async () => {
    rmSync(filling, { force: true });
    await tenki.call(["engine", "stop", "--terminate-sessions"], { timeoutMs: 120_000 });
    await runProcess(["umount", tenki.dataDir]);
    await tenki.close();
  });

  const volume = (...words: string[]) => ["sandbox", "volume", ...words];

  async function fill(): Promise<void> {
    await runProcess(["fallocate", "--length", String(await settledRoom()), filling]);
    // The pool follows: it is full before its own tables could not be written any more.
    await untilPool((free) => free < 64 * MiB);
  }

  /** The bytes that are free on the host, once the pool has given back what was deleted. */
  async function settledRoom(): Promise<number> {
    let before = -1;
    const settled = async () => {
      await runProcess(["sync", "--file-system", join(tenki.dataDir, "pool")]);
      const { bavail, bsize } = await statfs(tenki.dataDir);
      const free = bavail * bsize;
      if (free === before) return free;
      before = free;
      return undefined;
    };
    const free = await waitUntil(settled, { timeoutMs: 30_000, intervalMs: 1_000 });
    if (free === undefined) throw new Error("the pool goes on giving back");
    return free;
  }

  async function empty(): Promise<void> {
    rmSync(filling);
    await untilPool((free) => free > 128 * MiB);
    const isKept = () => (existsSync(join(tenki.dataDir, "record.db-reserve")) ? true : undefined);
    assert.ok(await waitUntil(isKept, { timeoutMs: 30_000 }), "nothing is kept for the record");
  }

  async function untilPool(is: (freeBytes: number) => boolean): Promise<void> {
    const follows = async () => {
      const { bavail, bsize } = await statfs(join(tenki.dataDir, "pool"));
      return is(bavail * bsize) ? true : undefined;
    };
    assert.ok(await waitUntil(follows, { timeoutMs: 30_000 }), "the pool does not follow the host");
  }

  /** What there is, by the record and on the disk. */
  async function all(): Promise<unknown> {
    const list = (noun: string[]) =>
      tenki.json<{ id: string; size_bytes?: number }[]>(["sandbox", ...noun, "list"]);
    const lists = await Promise.all([list([]), list(["snapshot"]), list(["volume"])]);
    const kinds = ["snapshots", "volumes", "exports"] as const;
    return [
      ...lists.map((each) => each.map(({ id, size_bytes: size }) => `${id} ${size}`).sort()),
      ...kinds.map((kind) => bench.left(kind).sort()),
      readdirSync(join(tenki.dataDir, "sessions")).sort(),
    ];
  }

  const intact = async () => {
    for (const place of ["/home/tenki", "/cache"])
      assert.equal(await bench.shell("demo", `cd ${place}; sha256sum -c sum`), "data: OK\n");
  };

  it("takes an upload whole or not at all", async () => {
    const { id } = await bench.session("writer", "--memory-mb", "256");
    await bench.shell("writer", "echo old > data; sync data");
    await fill();
    assert.ok(bench.engine !== undefined);
    await using client = new Client({ authToken: bench.engine.token, baseUrl: bench.engine.endpoint });
    const session = await client.get(id);
    const { url } = await session.artifactUploadUrl("data");
    const refused = await fetch(url, { method: "PUT", body: randomBytes(50 * MiB) });
    const text = await refused.text();
    assert.deepEqual([refused.status, text.startsWith("no space left in ")], [507, true], text);
    const large = join(tenki.home, "large");
    await writeFile(large, randomBytes(50 * MiB));
    for (const words of [
      ["write", "--session", "writer", "--path", "data", "--data-file", large],
      ["cp", large, "writer:data"],
    ]) {
      const { code, stderr } = await tenki.call(["sandbox", ...words]);
      assert.equal(code, 1, words.join(" "));
      assert.match(stderr, /^error: .*no space left in /, words.join(" "));
    }
    assert.doesNotMatch(await bench.shell("writer", "ls -A"), /\.tmp/);
    assert.equal(await bench.shell("writer", "cat data"), "old\n");
    await empty();
    const taken = await fetch((await session.artifactUploadUrl("taken")).url, { method: "PUT", body: "all" });
    assert.equal(taken.status, 200);
    assert.equal(await bench.shell("writer", "cat taken"), "all");
  });

  it("tells a guest that fills the pool, pauses nothing that is not on it, and lets all go on", async () => {
    const line = "dd if=/dev/zero of=big bs=1M count=4000 conv=fsync";
    const written = await tenki.call(["sandbox", "exec", "--session", "writer", "-q", "-c", line]);
    assert.equal(written.code, 1);
    assert.match(written.stderr, /^dd: .*big'?: (No space left on device|Input\/output error)$/m);
    const paused = await tenki.call(["sandbox", "pause", "writer"]);
    assert.equal(paused.code, 1);
    assert.match(paused.stderr, /^error: .*no space left in /);
    assert.match(paused.stderr, toFree);
    assert.match(await tenki.ok(["sandbox", "get", "writer"]), /^state +: RUNNING$/m);
    await intact();
    await bench.end("writer");
    await untilPool((free) => free > 128 * MiB);
  });

  it("refuses what takes room, says what to free, and leaves nothing half-made", async () => {
    const before = await all();
    await fill();
    const refused = [
      ["sandbox", "create", "--name", "more"],
      ["sandbox", "snapshot", "create", "demo", "--name", "made"],
      ["sandbox", "snapshot", "restore", "base", "--name", "restored"],
      ["sandbox", "fork", "demo", "--name", "forked"],
      volume("create", "other", "--size", "1GiB"),
      volume("resize", "cache", "--size", "128MiB"),
      volume("resize", "spare", "--size", "128MiB"),
    ];
    for (const words of refused) {
      const { code, stderr } = await tenki.call(words);
      assert.equal(code, 1, words.join(" "));
      assert.match(stderr, /^error: .*no space left in /, words.join(" "));
      assert.match(stderr, toFree, words.join(" "));
    }
    assert.deepEqual(await all(), before);
    await intact();
  });

  it("still gives back, and looks", async () => {
    await tenki.ok(volume("detach", "demo", "cache"));
    await tenki.ok(volume("attach", "demo", "cache", "--mount", "/cache"));
    await tenki.ok(["sandbox", "pause", "demo"]);
    await tenki.ok(["sandbox", "resume", "demo"]);
    await intact();
  });

  it("ends a session though there is no byte left, which is what gives room back", async () => {
    const last = `${filling}-last`;
    const filler = await tryProcess([
      "dd",
      "if=/dev/zero",
      `of=${last}`,
      "bs=4k",
      "conv=fsync",
      "status=none",
    ]);
    try {
      assert.match(filler.stderr, /No space left on device/);
      await tenki.ok(["sandbox", "terminate", "doomed", "--yes"]);
    } finally {
      rmSync(last);
    }
  });

  it("gives a snapshot out, or says where there is no room for it and leaves no half of it", async () => {
    const small = await tenki.directory("small");
    await runProcess(["mount", "-t", "tmpfs", "-o", "size=1m", "small", small]);
    try {
      const full = await tenki.call([
        "sandbox",
        "snapshot",
        "export",
        "base",
        "--out",
        join(small, "base.tar"),
      ]);
      assert.equal(full.code, 1);
      assert.equal(full.stderr, `error: cannot use ${small}/base.tar: no space left on the disk\n`);
      assert.deepEqual(readdirSync(small), []);
    } finally {
      await runProcess(["umount", small]);
    }
    await tenki.ok(["sandbox", "snapshot", "export", "base", "--out", join(small, "base.tar")]);
    const { stdout } = await tryProcess(["tar", "-xOf", join(small, "base.tar"), "home/tenki/sum"]);
    assert.match(stdout, /^[0-9a-f]{64} {2}data$/m);
  });

  it("goes on once there is room again", async () => {
    rmSync(filling);
    await waitForRoom(() => bench.snapshot("create", "demo", "--name", "again", "--wait-durable"));
    const { id } = await bench.restore("again", "restored");
    assert.equal(await bench.shell(id, "sha256sum -c sum"), "data: OK\n");
    await intact();
  });

  /** The pool looks at the host from time to time. */
  async function waitForRoom<T>(make: () => Promise<T>): Promise<T> {
    const made = await waitUntil(() => make().catch(() => undefined), { timeoutMs: 30_000 });
    if (made === undefined) throw new Error("there never was room again");
    return made;
  }
});
