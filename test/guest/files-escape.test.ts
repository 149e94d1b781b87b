import assert from "node:assert/strict";
import { existsSync, lstatSync, readFileSync, readlinkSync } from "node:fs";
import { after, before, test } from "node:test";
import type { GuestFiles } from "../../src/engine/core/ports/runtime.js";
import { GuestSandbox } from "./support/guest-sandbox.js";
import { shell } from "./support/run-in.js";

let sandbox: GuestSandbox;
let files: GuestFiles;

before(async () => {
  sandbox = await GuestSandbox.start();
  files = sandbox.link.files;
  // A place outside the home directory that tenki may write to: nothing but the rule keeps it out.
  const { exit } = await shell(
    sandbox,
    "mkdir -p /home/other && echo secret > /home/other/secret && chmod -R 777 /home/other",
    {
      privileged: true,
      cwd: "/",
    },
  );
  assert.equal(exit.exitCode, 0);
});
after(() => sandbox.stop());

const at = (name: string): string => `/home/tenki/${name}`;
const options = { mode: 0, truncate: true, sync: false };

async function* of(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

async function read(name: string): Promise<string> {
  const { chunks } = await files.read(at(name), { offset: 0, length: 0, chunkBytes: 0 });
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString();
}

const outside = { kind: "permission_denied", message: /^path is outside \/home\/tenki: / };
const secret = (): string => readFileSync(sandbox.path("/home/other/secret"), "utf8");

test("a link to a file outside leads nowhere", async () => {
  await shell(sandbox, "ln -s /home/other/secret file; ln -s ../other/secret relative; ln -s file chain");
  for (const name of ["file", "relative", "chain"]) {
    await assert.rejects(read(name), outside, name);
    await assert.rejects(files.write(at(name), of("x"), options), outside, name);
    assert.equal((await files.stat(at(name)))?.isSymlink, true, "the link itself is inside");
  }
  assert.equal(secret(), "secret\n");
});

test("a link to a directory outside leads nowhere", async () => {
  await shell(sandbox, "ln -s /home/other door; ln -s / root; ln -s /proc/self/root proc");
  for (const path of ["door/secret", "root/home/other/secret", "proc/home/other/secret"]) {
    await assert.rejects(read(path), outside, path);
    await assert.rejects(files.write(at(path), of("x"), options), outside, path);
    await assert.rejects(files.stat(at(path)), outside, path);
    await assert.rejects(files.remove(at(path), { recursive: true }), outside, path);
    await assert.rejects(
      files.makeDirectory(at(`${path}-new`), { mode: 0, recursive: false }),
      outside,
      path,
    );
    await assert.rejects(
      files.makeDirectory(at(`${path}-new/deep`), { mode: 0, recursive: true }),
      outside,
      path,
    );
  }
  await assert.rejects(files.list(at("door"), { includeHidden: true }), outside);
  await assert.rejects(files.write(at("door/new"), of("x"), options), outside);
  await assert.rejects(files.makeDirectory(at("door"), { mode: 0, recursive: true }), outside);
  assert.equal(existsSync(sandbox.path("/home/other/new")), false);
  assert.equal(secret(), "secret\n");
});

test("a dangling link outside is not written through", async () => {
  await shell(sandbox, "ln -s /home/other/made dangling");
  await assert.rejects(files.write(at("dangling"), of("x"), options), outside);
  assert.equal(existsSync(sandbox.path("/home/other/made")), false);
});

test("a path that says .. is judged by where it leads", async () => {
  await assert.rejects(read("../other/secret"), outside);
  await assert.rejects(files.write(at("../other/new"), of("x"), options), outside);
  await assert.rejects(files.remove(at("../other/secret"), { recursive: false }), outside);
  await assert.rejects(files.list(at(".."), { includeHidden: true }), outside);
  assert.equal(secret(), "secret\n");
});

test("the home directory itself stays, and so does what only looks like it", async () => {
  await assert.rejects(files.remove("/home/tenki", { recursive: true }), outside);
  await shell(sandbox, "mkdir -m 777 /home/tenki-not", { privileged: true, cwd: "/" });
  await assert.rejects(files.write("/home/tenki-not/x", of("x"), options), outside);
  await assert.rejects(files.makeDirectory("/home/tenki-not/x", { mode: 0, recursive: true }), outside);
});

test("a link that stays inside is followed, and stays a link", async () => {
  await shell(
    sandbox,
    "mkdir -p real; echo old > real/file; ln -s real/file in; ln -s /home/tenki/real dir; ln -s real/new soon",
  );
  assert.equal(await read("in"), "old\n");
  await files.write(at("in"), of("new"), options);
  await files.write(at("soon"), of("made"), options);
  await files.write(at("dir/another"), of("x"), options);
  assert.equal(readFileSync(sandbox.path(at("real/file")), "utf8"), "new");
  assert.equal(readFileSync(sandbox.path(at("real/new")), "utf8"), "made");
  assert.equal(readlinkSync(sandbox.path(at("in"))), "real/file");
  assert.equal((await files.list(at("dir"), { includeHidden: true })).length, 3);
  assert.equal(await files.remove(at("dir"), { recursive: true }), 1);
  assert.ok(lstatSync(sandbox.path(at("real/file"))).isFile(), "removing a link removes the link");
});

test("links in a circle end", async () => {
  await shell(sandbox, "ln -s loop-b loop-a; ln -s loop-a loop-b");
  const loop = { kind: "failed_precondition" };
  await assert.rejects(read("loop-a"), loop);
  await assert.rejects(files.write(at("loop-a"), of("x"), options), loop);
  assert.equal(await files.remove(at("loop-a"), { recursive: true }), 1);
});

test("what is no regular file is neither read nor written, and nothing waits for it", async () => {
  await shell(sandbox, "mkfifo fifo");
  await shell(sandbox, "mknod null c 1 3; chmod 666 null", { privileged: true });
  await shell(
    sandbox,
    "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"sock\")' || mkfifo sock",
  );
  const refused = { kind: "failed_precondition", message: /^not a regular file: / };
  for (const name of ["fifo", "null", "sock"]) {
    await assert.rejects(read(name), refused, name);
    await assert.rejects(files.write(at(name), of("x"), options), refused, name);
    assert.equal((await files.stat(at(name)))?.isDirectory, false);
    assert.equal(await files.remove(at(name), { recursive: false }), 1);
  }
});

test("a directory swapped for a link meanwhile never lets a write out", async () => {
  const swap = "while :; do mkdir sw 2>/dev/null; rm -rf sw; ln -s /home/other sw; rm sw; done";
  const swapping = shell(sandbox, swap, { timeoutMs: 1_500 });
  let tried = 0;
  const end = performance.now() + 1_300;
  while (performance.now() < end) {
    tried += 1;
    await files.write(at("sw/escaped"), of("x"), options).catch(() => undefined);
    await files.makeDirectory(at("sw/escaped-dir"), { mode: 0, recursive: true }).catch(() => undefined);
    await files.remove(at("sw/secret"), { recursive: true }).catch(() => undefined);
  }
  await swapping;
  assert.ok(tried > 20);
  assert.equal(existsSync(sandbox.path("/home/other/escaped")), false);
  assert.equal(existsSync(sandbox.path("/home/other/escaped-dir")), false);
  assert.equal(secret(), "secret\n");
});
