import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { chmod, lstat, mkdir, readFile, readlink, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { after, before, describe, it } from "node:test";
import { peakMemoryMb } from "./support/memory.js";
import { type EngineStarted, Workbench } from "./support/tenki.js";

const gibibyte = 2 ** 30;

describe("files", () => {
  let bench: Workbench;
  let engine: EngineStarted;
  before(async () => {
    bench = await Workbench.open();
    engine = await bench.startEngine();
    await bench.ok(["sandbox", "create", "--name", "box"]);
  });
  after(() => bench.close());
  const inside = (script: string) => bench.ok(["sandbox", "exec", "-q", "-c", script]);

  it("writes from an argument, a file and stdin, and reads to stdout and into a file", async () => {
    await bench.ok(["sandbox", "write", "--path", "a.txt", "--data", "from data"]);
    assert.equal(await bench.ok(["sandbox", "read", "--path", "/home/tenki/a.txt"]), "from data");
    const local = join(bench.home, "local.bin");
    await writeFile(local, Buffer.from([0, 255, 10, 13]));
    await bench.ok(["sandbox", "write", "--path", "b.bin", "--data-file", local]);
    const out = join(bench.home, "out.bin");
    await bench.ok(["sandbox", "read", "--path", "b.bin", "--out", out]);
    assert.deepEqual(await readFile(out), await readFile(local));
    await bench.ok(["sandbox", "write", "--path", "c.txt"], { input: "from stdin" });
    assert.equal(await inside("cat c.txt"), "from stdin");
  });

  it("carries 1 GiB in and out unchanged, with flat memory on both sides", { timeout: 300_000 }, async () => {
    const source = join(bench.home, "large");
    await pipeline(Readable.from(pseudoRandom(gibibyte)), createWriteStream(source));
    const call = { timeoutMs: 200_000 };
    const write = bench.spawn(["sandbox", "write", "--path", "large", "--data-file", source], call);
    const [writeMb, engineMb] = await Promise.all([peakMemoryMb(write), peakMemoryMb(engine.pid, write)]);
    assert.equal((await inside("sha256sum large")).split(" ")[0], await sha256(source));
    const target = join(bench.home, "back");
    const read = bench.spawn(["sandbox", "read", "--path", "large", "--out", target], call);
    const [readMb, engineReadMb] = await Promise.all([peakMemoryMb(read), peakMemoryMb(engine.pid, read)]);
    assert.equal(await sha256(target), await sha256(source));
    for (const peak of [writeMb, readMb, engineMb, engineReadMb])
      assert.ok(peak < 400, `${peak} MB for a stream`);
  });

  it("copies a tree there and back with modes and symlinks", async () => {
    const tree = await bench.directory("tree");
    await mkdir(join(tree, "deep", "er"), { recursive: true });
    await writeFile(join(tree, "deep", "er", "leaf"), "leaf");
    await writeFile(join(tree, "run.sh"), "#!/bin/sh\necho ran\n");
    await chmod(join(tree, "run.sh"), 0o755);
    await chmod(join(tree, "deep"), 0o700);
    await symlink("run.sh", join(tree, "link"));
    await bench.ok(["sandbox", "cp", "-r", tree, "box:copied"]);
    assert.equal(
      await inside("./copied/run.sh; readlink copied/link; stat -c %a copied/deep"),
      "ran\nrun.sh\n700\n",
    );
    const back = join(bench.home, "back-tree");
    await bench.ok(["sandbox", "cp", "-r", "box:copied", back]);
    assert.equal(await readFile(join(back, "deep", "er", "leaf"), "utf8"), "leaf");
    assert.equal(await readlink(join(back, "link")), "run.sh");
    assert.equal((await lstat(join(back, "run.sh"))).mode & 0o777, 0o755);
    assert.equal((await lstat(join(back, "deep"))).mode & 0o777, 0o700);
  });

  it("copies from one sandbox to another", async () => {
    await bench.ok(["sandbox", "create", "--name", "second"]);
    await bench.ok(["sandbox", "set", "box"]);
    await bench.ok(["sandbox", "write", "--path", "across.txt", "--data", "across"]);
    await bench.ok(["sandbox", "cp", "box:across.txt", "second:arrived.txt"]);
    assert.equal(
      await bench.ok(["sandbox", "read", "--session", "second", "--path", "arrived.txt"]),
      "across",
    );
    await bench.ok(["sandbox", "terminate", "--yes", "second"]);
    await bench.ok(["sandbox", "set", "box"]);
  });

  it("lists, looks at, makes, moves, shows and removes", async () => {
    await bench.ok(["sandbox", "fs", "mkdir", "--path", "dir"]);
    await bench.ok(["sandbox", "write", "--path", "dir/one", "--data", "1"]);
    const entries = await bench.json<{ name: string }[]>(["sandbox", "fs", "ls", "--path", "dir"]);
    assert.deepEqual(
      entries.map(({ name }) => name),
      ["one"],
    );
    await bench.ok(["sandbox", "fs", "mv", "dir/one", "dir/two"]);
    assert.equal(await bench.ok(["sandbox", "fs", "cat", "--path", "dir/two"]), "1");
    const info = await bench.json<{ size: number; exists?: boolean }>([
      "sandbox",
      "fs",
      "stat",
      "--path",
      "dir/two",
    ]);
    assert.equal(info.size, 1);
    await bench.ok(["sandbox", "fs", "rm", "-r", "--path", "dir"]);
    assert.notEqual((await bench.call(["sandbox", "fs", "stat", "--path", "dir"])).code, 0);
  });

  it("refuses what lies outside, by name and through a symlink", async () => {
    await inside("ln -s /etc/passwd way-out; ln -s / top");
    for (const path of ["/etc/passwd", "../../etc/passwd", "way-out", "top/etc/passwd"]) {
      const { code, stderr } = await bench.call(["sandbox", "read", "--path", path]);
      assert.equal(code, 3, `${path}: ${stderr}`);
      assert.match(stderr, /outside \/home\/tenki/);
    }
    const { code } = await bench.call(["sandbox", "write", "--path", "top/tmp/planted", "--data", "x"]);
    assert.equal(code, 3);
  });
});

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** Bytes that do not compress and do not repeat, made from a counter. */
function* pseudoRandom(size: number): Generator<Buffer> {
  const chunk = Buffer.alloc(1 << 20);
  let state = 0x9e3779b9;
  for (let at = 0; at < chunk.length; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    chunk.writeInt32LE(state | 0, at);
  }
  for (let sent = 0; sent < size; sent += chunk.length) {
    chunk.writeUInt32LE(sent >>> 0, 0);
    yield Buffer.from(chunk);
  }
}
