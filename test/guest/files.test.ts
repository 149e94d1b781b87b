import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import type { GuestFiles, ReadFileOptions, WriteFileOptions } from "../../src/engine/core/ports/runtime.js";
import { GuestSandbox } from "./support/guest-sandbox.js";
import { shell } from "./support/run-in.js";

let sandbox: GuestSandbox;
let files: GuestFiles;
before(async () => {
  sandbox = await GuestSandbox.start({ homeMegabytes: 128 });
  files = sandbox.link.files;
});
after(() => sandbox.stop());

const at = (name: string): string => `/home/tenki/${name}`;
const onHost = (name: string): string => sandbox.path(at(name));

async function* of(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

const write = (name: string, content: AsyncIterable<Uint8Array>, options: Partial<WriteFileOptions> = {}) =>
  files.write(at(name), content, { mode: 0, truncate: true, sync: false, ...options });

async function read(name: string, options: Partial<ReadFileOptions> = {}): Promise<Buffer[]> {
  const { chunks } = await files.read(at(name), { offset: 0, length: 0, chunkBytes: 0, ...options });
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(Buffer.from(chunk));
  return all;
}

const modeOf = (name: string): number => lstatSync(onHost(name)).mode & 0o7777;

test("a file is written and read back, and is tenki's", async () => {
  assert.equal(await write("a.txt", of("hello ", "world")), 11);
  assert.equal(Buffer.concat(await read("a.txt")).toString(), "hello world");
  const { uid, gid } = lstatSync(onHost("a.txt"));
  assert.deepEqual([uid, gid, modeOf("a.txt")], [1000, 1000, 0o644]);
});

test("an empty file is a file", async () => {
  assert.equal(await write("empty", of()), 0);
  assert.deepEqual(await read("empty"), []);
  assert.equal((await files.stat(at("empty")))?.size, 0);
});

test("a mode is set where it is given, kept where it is not", async () => {
  await write("mode", of("1"), { mode: 0o4751 });
  assert.equal(modeOf("mode"), 0o4751);
  await write("mode", of("2"));
  assert.equal(modeOf("mode"), 0o4751);
  await write("mode", of("3"), { mode: 0o600 });
  assert.equal(modeOf("mode"), 0o600);
  await write("open", of("1"), { mode: 0o666 });
  assert.equal(modeOf("open"), 0o666, "no mask takes bits away");
});

test("without truncate what is there stays, and the data follow it", async () => {
  const old = randomBytes(3_000_000);
  await write("log", of(old), { mode: 0o640 });
  await write("log", of("one", "two"), { truncate: false, sync: true });
  assert.ok(readFileSync(onHost("log")).equals(Buffer.concat([old, Buffer.from("onetwo")])));
  assert.equal(modeOf("log"), 0o640);
  await write("new-log", of("first"), { truncate: false });
  assert.equal(readFileSync(onHost("new-log"), "utf8"), "first");
});

test("offset and length are honoured, and chunks are of the size asked for", async () => {
  const content = randomBytes(1_000_000);
  await write("big", of(content));
  const { totalSize, chunks } = await files.read(at("big"), { offset: 0, length: 0, chunkBytes: 100_000 });
  assert.equal(totalSize, content.length);
  const sizes: number[] = [];
  for await (const chunk of chunks) sizes.push(chunk.length);
  assert.deepEqual(
    sizes,
    Array.from({ length: 10 }, () => 100_000),
  );
  const part = await read("big", { offset: 123_456, length: 400_000, chunkBytes: 150_000 });
  assert.deepEqual(
    part.map((chunk) => chunk.length),
    [150_000, 150_000, 100_000],
  );
  assert.ok(Buffer.concat(part).equals(content.subarray(123_456, 523_456)));
  assert.equal(Buffer.concat(await read("big", { offset: 999_990 })).length, 10);
  assert.deepEqual(await read("big", { offset: 5_000_000 }), []);
});

test("a reader that leaves early leaves nothing running", async () => {
  await write("long", of(Buffer.alloc(20_000_000)));
  const { chunks } = await files.read(at("long"), { offset: 0, length: 0, chunkBytes: 1000 });
  for await (const chunk of chunks) {
    assert.equal(chunk.length, 1000);
    break;
  }
  await sandbox.waitUntilIdle();
});

test("stat tells of files, directories and links, and of nothing", async () => {
  await shell(
    sandbox,
    "printf 12345 > s; chmod 751 s; touch -d @1700000000.123456789 s; ln -s s link; mkdir -m 1770 d",
  );
  const file = await files.stat(at("s"));
  assert.deepEqual(file, {
    path: at("s"),
    size: 5,
    mode: 0o751,
    isDirectory: false,
    isSymlink: false,
    modifiedUnixNs: 1_700_000_000_123_456_789n,
  });
  const link = await files.stat(at("link"));
  assert.deepEqual([link?.isSymlink, link?.symlinkTarget, link?.isDirectory], [true, "s", false]);
  const directory = await files.stat(at("d"));
  assert.deepEqual([directory?.isDirectory, directory?.mode], [true, 0o1770]);
  assert.equal((await files.stat("/home/tenki"))?.isDirectory, true);
  assert.equal(await files.stat(at("nothing")), undefined);
  assert.equal(await files.stat(at("nothing/below")), undefined);
  assert.equal(await files.stat(at("s/below")), undefined);
});

test("a directory is made, with its parents where that is asked for", async () => {
  const made = await files.makeDirectory(at("m"), { mode: 0, recursive: false });
  assert.deepEqual([made.isDirectory, made.mode, made.path], [true, 0o755, at("m")]);
  assert.equal((await files.makeDirectory(at("m2"), { mode: 0o1777, recursive: false })).mode, 0o1777);
  const exists = { kind: "already_exists", message: /file already exists: \/home\/tenki\/m$/ };
  await assert.rejects(files.makeDirectory(at("m"), { mode: 0, recursive: false }), exists);
  const missing = { kind: "not_found", message: `no such file or directory: ${at("p/q/r")}` };
  await assert.rejects(files.makeDirectory(at("p/q/r"), { mode: 0, recursive: false }), missing);
  assert.equal((await files.makeDirectory(at("p/q/r"), { mode: 0o700, recursive: true })).mode, 0o700);
  assert.deepEqual([modeOf("p"), modeOf("p/q"), modeOf("p/q/r")], [0o755, 0o755, 0o700]);
  await files.makeDirectory(at("p/q/r"), { mode: 0, recursive: true });
  await files.makeDirectory("/home/tenki", { mode: 0, recursive: true });
  assert.equal(modeOf("p/q/r"), 0o700, "what is there is left as it is");
  await write("plain", of("x"));
  for (const recursive of [true, false]) {
    await assert.rejects(files.makeDirectory(at("plain"), { mode: 0, recursive }), {
      kind: "already_exists",
    });
  }
  await assert.rejects(files.makeDirectory(at("plain/below"), { mode: 0, recursive: true }), {
    kind: "failed_precondition",
  });
});

test("removing counts what went, and a missing path is no failure", async () => {
  await shell(
    sandbox,
    "mkdir -p t/a/b t/c; touch t/1 t/a/2 t/a/b/3; ln -s /etc t/out; ln -s ../a t/c/in; mkfifo t/f",
  );
  assert.equal(await files.remove(at("t/1"), { recursive: false }), 1);
  assert.equal(await files.remove(at("t/1"), { recursive: false }), 0);
  assert.equal(await files.remove(at("no/such/parent"), { recursive: true }), 0);
  await assert.rejects(files.remove(at("t"), { recursive: false }), {
    kind: "failed_precondition",
    message: `directory not empty: ${at("t")}`,
  });
  assert.equal(await files.remove(at("t"), { recursive: true }), 9);
  assert.equal(await files.stat(at("t")), undefined);
  assert.ok(lstatSync(sandbox.path("/etc/passwd")).isFile(), "what a link led to is still there");
  await shell(sandbox, "mkdir none");
  assert.equal(await files.remove(at("none"), { recursive: false }), 1);
});

test("a tree that is very deep or very wide is removed as well", async () => {
  const script = "mkdir deep; cd deep; for i in $(seq 2000); do mkdir d; cd d; done; touch bottom";
  assert.equal((await shell(sandbox, script)).exit.exitCode, 0);
  assert.equal(await files.remove(at("deep"), { recursive: true }), 2002);
  await shell(
    sandbox,
    "mkdir wide; cd wide; for i in $(seq 300); do mkdir $i; touch $i/f; done; seq 1000 | xargs touch",
  );
  assert.equal((await files.list(at("wide"), { includeHidden: true })).length, 1000);
  assert.equal(await files.remove(at("wide"), { recursive: true }), 1301);
});

test("what tenki may not remove stops it, with what is left still there", async () => {
  await shell(sandbox, "mkdir -p /home/tenki/roots/sub; touch /home/tenki/roots/sub/x", { privileged: true });
  await assert.rejects(files.remove(at("roots"), { recursive: true }), { kind: "permission_denied" });
  assert.equal((await files.stat(at("roots/sub/x")))?.size, 0);
  await shell(sandbox, "rm -r /home/tenki/roots", { privileged: true });
});

test("a list tells of every entry, in order, hidden ones where asked for", async () => {
  await shell(
    sandbox,
    "mkdir -p l/dir; printf abc > l/b; touch l/a l/.hidden; ln -s nowhere l/link; chmod 600 l/a",
  );
  const visible = await files.list(at("l"), { includeHidden: false });
  assert.deepEqual(
    visible.map((entry) => entry.path),
    ["a", "b", "dir", "link"].map((name) => at(`l/${name}`)),
  );
  const [a, b, directory, link] = visible;
  assert.deepEqual(
    [a?.mode, b?.size, directory?.isDirectory, link?.symlinkTarget],
    [0o600, 3, true, "nowhere"],
  );
  assert.ok((b?.modifiedUnixNs ?? 0n) > 1_600_000_000_000_000_000n);
  assert.equal((await files.list(at("l"), { includeHidden: true })).length, 5);
  assert.deepEqual(await files.list(at("l/dir"), { includeHidden: true }), []);
});

test("a list longer than a frame is whole", async () => {
  const script = 'mkdir many; cd many; n=$(printf %0200d 0); seq 3000 | sed "s/^/$n/" | xargs touch';
  assert.equal((await shell(sandbox, script)).exit.exitCode, 0);
  const entries = await files.list(at("many"), { includeHidden: false });
  assert.equal(new Set(entries.map((entry) => entry.path)).size, 3000);
});

test("the wrong kind of thing is refused by kind", async () => {
  await shell(sandbox, "mkdir -p k/dir; touch k/file");
  const expectations: [() => Promise<unknown>, string, RegExp][] = [
    [() => read("k/none"), "not_found", /^no such file or directory: \/home\/tenki\/k\/none$/],
    [() => read("k/dir"), "failed_precondition", /^is a directory: /],
    [() => read("k/file/x"), "failed_precondition", /^not a directory: /],
    [() => write("k/dir", of("x")), "failed_precondition", /^is a directory: /],
    [() => write("k/none/x", of("x")), "not_found", /^no such file or directory: /],
    [
      () => files.write("/home/tenki", of("x"), { mode: 0, truncate: true, sync: false }),
      "failed_precondition",
      /directory/,
    ],
    [() => files.list(at("k/file"), { includeHidden: true }), "failed_precondition", /^not a directory: /],
    [() => files.list(at("k/none"), { includeHidden: true }), "not_found", /^no such file or directory: /],
    [() => read("n".repeat(300)), "invalid_argument", /name too long/],
  ];
  for (const [call, kind, message] of expectations) await assert.rejects(call(), { kind, message });
});

test("a path with words that mean something to clients is left out of the text", async () => {
  for (const [name, call] of Object.entries({
    "template/x": () => read("template/x"),
    "my-volume.txt": () => read("my-volume.txt"),
  })) {
    await assert.rejects(call(), { kind: "not_found", message: "no such file or directory" }, name);
  }
  await shell(sandbox, "mkdir .ssh");
  await assert.rejects(read(".ssh"), { kind: "failed_precondition", message: "is a directory" });
});

test("what tenki may not touch is refused, though the directory is tenki's own", async () => {
  await shell(
    sandbox,
    "cd /home/tenki; echo root > owned; chmod 600 owned; echo root > shown; mkdir shut; chmod 700 shut",
    {
      privileged: true,
    },
  );
  const denied = { kind: "permission_denied", message: /^permission denied: / };
  await assert.rejects(read("owned"), denied);
  await assert.rejects(write("owned", of("x")), denied);
  await assert.rejects(write("shown", of("x")), denied);
  await assert.rejects(read("shut/x"), denied);
  await assert.rejects(files.list(at("shut"), { includeHidden: true }), denied);
  await assert.rejects(write("shut/x", of("x")), denied);
  assert.equal(Buffer.concat(await read("shown")).toString(), "root\n");
});

test("1 MB pieces, many at once, arrive whole", async () => {
  const names = Array.from({ length: 20 }, (_, index) => `parallel-${index}`);
  const contents = names.map(() => randomBytes(1_000_000));
  await Promise.all(names.map((name, index) => write(name, of(contents[index] ?? ""))));
  const back = await Promise.all(names.map(async (name) => Buffer.concat(await read(name))));
  for (const [index, content] of back.entries()) assert.ok(contents[index]?.equals(content), names[index]);
  assert.deepEqual(
    readdirSync(onHost("")).filter((name) => name.endsWith(".tmp")),
    [],
  );
});
