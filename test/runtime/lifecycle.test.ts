import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { TenkiError } from "../../src/domain/error.js";
import { readProcessIdentity } from "../../src/lib/process-identity.js";
import { runProcess } from "../../src/lib/process.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { Workbench } from "./support/workbench.js";

let bench: Workbench;
let before_: string[];
before(async () => {
  bench = await Workbench.open();
  before_ = await bench.traces();
});
after(() => bench.close());

const nothingNew = async () => assert.deepEqual(await bench.traces(), before_);

test("start, spawn, stop: a command runs as soon as start returns, and nothing is left", async () => {
  const id = await bench.start();
  assert.equal(await bench.runtime.isRunning(id), true);
  const { stdout, exit } = await bench.shell(id, "id -un; pwd");
  assert.equal(stdout, "tenki\n/home/tenki\n");
  assert.equal(exit.exitCode, 0);
  assert.ok((await bench.traces()).length > before_.length, "the traces that are counted are there");
  await bench.stop(id);
  assert.equal(await bench.runtime.isRunning(id), false);
  await nothingNew();
});

test("what runs inside ends with it, daemons included", async () => {
  const id = await bench.start();
  const marker = `1${Math.floor(Math.random() * 1e9)}`;
  await bench.shell(id, `(setsid sleep ${marker} >/dev/null 2>&1 </dev/null &)`);
  const find = () => runProcess(["sh", "-c", `ps -eo args= | grep -c '^sleep ${marker}' || true`]);
  const seen = await waitUntil(async () => ((await find()).trim() === "1" ? true : undefined), {
    timeoutMs: 10_000,
  });
  assert.equal(seen, true);
  await bench.stop(id);
  assert.equal((await find()).trim(), "0");
});

test("its layers are mounted for itself only", async () => {
  const id = await bench.start();
  const mounts = (await bench.traces()).filter((line) => line.startsWith("mount"));
  assert.deepEqual(mounts, [`mount ${bench.diskOf(id).directory}`]);
  await bench.stop(id);
});

test("the files that say who and where it is", async () => {
  const id = await bench.start({
    hostname: "alpha",
    environment: { PLAIN: "x", SPACED: "a b", QUOTED: `it's "so"` },
    nameservers: ["198.19.0.1"],
  });
  const { stdout } = await bench.shell(
    id,
    "hostname; cat /etc/hostname /etc/resolv.conf /etc/environment; getent hosts alpha localhost; getent passwd 1000",
  );
  assert.deepEqual(stdout.trim().split("\n"), [
    "alpha",
    "alpha",
    "nameserver 198.19.0.1",
    "PLAIN=x",
    "SPACED='a b'",
    `QUOTED="it's "so""`,
    "127.0.1.1       alpha",
    "::1             localhost ip6-localhost ip6-loopback",
    "tenki:x:1000:1000::/home/tenki:/bin/bash",
  ]);
  await bench.stop(id);
});

test("what is written stays on the session's disk; the host's /usr and the image are untouched", async () => {
  const id = await bench.start();
  const name = `made-inside-${id}`;
  const { exit, stderr } = await bench.shell(
    id,
    `touch /usr/bin/${name} /etc/${name} /root/${name} && mv /usr/share/doc /usr/share/doc2 && chmod 4755 /usr/bin/env`,
    { privileged: true },
  );
  assert.equal(exit.exitCode, 0, stderr);
  const found = await runProcess([
    "sh",
    "-c",
    `ls /usr/bin/${name} /etc/${name} /root/${name} 2>/dev/null || true`,
  ]);
  assert.equal(found, "");
  assert.ok(!readdirSync("/usr/share").includes("doc2"));
  const { mounts } = await bench.images.resolve("sandbox");
  const [image = ""] = mounts[0]?.lowerDirectories ?? [];
  assert.ok(!readdirSync(join(image, "etc")).includes(name));
  const other = await bench.start();
  assert.equal((await bench.shell(other, `ls /usr/bin/${name}`)).exit.exitCode, 2);
  await bench.stop(id);
  await bench.stop(other);
});

test("an engine that starts anew finds it, and stops it", async () => {
  const id = await bench.start();
  const later = await bench.newRuntime();
  assert.equal(await later.isRunning(id), true);
  await later.sweep(new Set([id]));
  assert.equal((await bench.shell(id, "echo here")).stdout, "here\n");
  await later.stop(id);
  await bench.release(id);
  await nothingNew();
});

test("a process of another boot is nobody's pid 1, whatever its number", async () => {
  const id = await bench.start();
  const file = join(bench.dataDir, "sessions", id, "init.json");
  const recorded = readFileSync(file, "utf8");
  for (const change of [{ bootId: randomUUID() }, { startTicks: "1" }]) {
    writeFileSync(file, JSON.stringify({ ...(JSON.parse(recorded) as object), ...change }));
    assert.equal(await bench.runtime.isRunning(id), false);
  }
  writeFileSync(file, recorded);
  assert.equal(await bench.runtime.isRunning(id), true);
  await bench.stop(id);
});

test("sweep removes what is not kept", async () => {
  const [kept, orphan] = [await bench.start(), await bench.start()];
  mkdirSync(join(bench.dataDir, "sessions", "half-made"));
  await (await bench.newRuntime()).sweep(new Set([kept]));
  assert.equal(await bench.runtime.isRunning(orphan), false);
  assert.equal((await bench.shell(kept, "echo here")).stdout, "here\n");
  const lines = (await bench.traces()).filter((line) => /session|container|cgroup/.test(line));
  assert.ok(!lines.some((line) => line.includes(orphan) || line.includes("half-made")), lines.join("\n"));
  await bench.stop(kept);
  await bench.release(orphan);
  await nothingNew();
});

test("stop is good for whatever is left: nothing at all, a dead pid 1, no state, no directory", async () => {
  await bench.runtime.stop(randomUUID());
  const losses: ((id: string) => void)[] = [
    (id) => process.kill(initPid(id), "SIGKILL"),
    (id) => rmSync(join(bench.dataDir, "runc", id), { recursive: true }),
    (id) => rmSync(join(bench.dataDir, "sessions", id), { recursive: true }),
    (id) => {
      rmSync(join(bench.dataDir, "sessions", id), { recursive: true });
      rmSync(join(bench.dataDir, "runc", id), { recursive: true });
    },
  ];
  for (const lose of losses) {
    const id = await bench.start();
    const pid = initPid(id);
    lose(id);
    await bench.stop(id);
    await bench.stop(id);
    await waitUntil(() => (readProcessIdentity(pid) === undefined ? true : undefined), { timeoutMs: 5_000 });
    assert.equal(readProcessIdentity(pid), undefined);
    await nothingNew();
  }
});

const initPid = (id: string): number =>
  Number(readFileSync(join(bench.dataDir, "sessions", id, "pid"), "utf8"));

test("a start that fails says what the runtime said, and leaves nothing", async () => {
  await assert.rejects(bench.start({ namespacePath: "/run/netns/there-is-none" }), (error: unknown) => {
    assert.ok(error instanceof TenkiError);
    assert.match(error.message, /^the sandbox did not start: .*there-is-none.*no such file or directory/);
    return true;
  });
  await nothingNew();
});

test("a start that is called off leaves nothing", async () => {
  for (const ms of [0, 15, 30, 45]) {
    const signal = AbortSignal.timeout(ms);
    await bench.start({ signal }).then(
      (id) => bench.stop(id),
      (error: unknown) => assert.equal((error as TenkiError).kind, "cancelled", String(error)),
    );
    await nothingNew();
  }
});

test("two with one session's id: the second is refused, and the first runs on", async () => {
  const id = await bench.start();
  const again = await bench.spec({}, id);
  await assert.rejects(bench.runtime.start(again, AbortSignal.timeout(10_000)), /already/);
  assert.equal((await bench.shell(id, "echo here")).stdout, "here\n");
  await bench.disks.release(again.disk.handle);
  await bench.stop(id);
});

test("a runtime that hangs is given up, and its sandbox removed", async () => {
  const hanging = join(bench.dataDir, "hanging-runtime");
  writeFileSync(hanging, '#!/bin/sh\n[ "$1" = --version ] && echo "hanging 1" && exit\nexec sleep 1000\n');
  chmodSync(hanging, 0o755);
  const runtime = await bench.newRuntime(hanging);
  const spec = await bench.spec();
  const began = performance.now();
  await assert.rejects(runtime.start(spec, AbortSignal.timeout(300)), { kind: "cancelled" });
  assert.ok(performance.now() - began < 10_000);
  await bench.disks.release(spec.disk.handle);
  rmSync(hanging);
  await nothingNew();
});

test("many at once", async () => {
  const ids = await Promise.all(Array.from({ length: 6 }, () => bench.start({ memoryMb: 128 })));
  const answers = await Promise.all(ids.map((id) => bench.shell(id, "echo here")));
  assert.deepEqual(
    answers.map(({ stdout }) => stdout),
    ids.map(() => "here\n"),
  );
  await Promise.all(ids.map((id) => bench.stop(id)));
  await nothingNew();
});
