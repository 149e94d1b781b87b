import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { CommandExit } from "../../src/domain/command.js";
import type { GuestCommand, GuestFiles, GuestProcess } from "../../src/engine/core/ports/runtime.js";
import { createIsolation, type Isolation } from "../../src/engine/isolation.js";
import { silentLogger } from "../../src/lib/logger.js";
import { runProcess } from "../../src/lib/process.js";
import { readProcessIdentity } from "../../src/lib/process-identity.js";
import { waitUntil } from "../../src/lib/wait-until.js";

const session = "33333333-3333-4333-8333-333333333333";
const never = new AbortController().signal;

let dataDir: string;
let isolation: Isolation;
let root: string;
let files: GuestFiles;
before(async () => {
  dataDir = realpathSync(mkdtempSync(join(tmpdir(), "tenki-process-")));
  isolation = await open();
  await start();
  files = isolation.runtime.files(session);
});
after(async () => {
  await isolation.runtime.stop(session);
  rmSync(dataDir, { recursive: true });
});

async function start(): Promise<void> {
  const disk = await isolation.disks.allocate(1_000_000);
  root = disk.directory;
  await isolation.runtime.start(
    {
      sessionId: session,
      hostname: "x",
      image: await isolation.images.resolve(""),
      disk,
      network: await isolation.network.attach({ outbound: true }),
      limits: { cpuCores: 1, memoryMb: 128 },
      environment: {},
      files: [],
      volumes: [],
    },
    never,
  );
}

function open(): Promise<Isolation> {
  return createIsolation("process", {
    dataDir,
    instanceId: "00000000",
    guestBinary: "/none",
    log: silentLogger,
  });
}

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: CommandExit | undefined;
}

async function begin(argv: readonly string[], options: Partial<GuestCommand> = {}): Promise<GuestProcess> {
  const command = {
    argv,
    cwd: "/home/tenki",
    env: { PATH: "/usr/bin:/bin" },
    privileged: false,
    timeoutMs: 0,
  };
  const spawned = await isolation.runtime.spawn(session, { ...command, ...options }, never);
  assert.ok(spawned.started, "it did not start");
  return spawned.process;
}

async function follow(process: GuestProcess): Promise<Ended> {
  const text = { stdout: "", stderr: "" };
  let exit: CommandExit | undefined;
  for await (const event of process.events) {
    if (event.kind === "exit") exit = event.exit;
    else if (event.kind !== "stdin_taken") text[event.kind] += Buffer.from(event.data).toString();
  }
  return { ...text, exit };
}

const run = async (script: string, options: Partial<GuestCommand> = {}): Promise<Ended> => {
  const process = await begin(["sh", "-c", script], options);
  process.closeStdin();
  return follow(process);
};

describe("a process in place of a sandbox", () => {
  it("has its home in the session's directory, and its own exit", async () => {
    const { stdout, stderr, exit } = await run('echo "$HOME"; pwd; echo err >&2; exit 7');
    assert.equal(stdout, `${root}/home/tenki\n${root}/home/tenki\n`);
    assert.equal(stderr, "err\n");
    assert.deepEqual([exit?.exitCode, exit?.reason, exit?.timedOut], [7, "exit", false]);
  });

  it("takes its input, and says how much", async () => {
    const process = await begin(["cat"]);
    const ended = follow(process);
    await process.writeStdin(Buffer.from("hello"));
    process.closeStdin();
    assert.equal((await ended).stdout, "hello");
  });

  it("that cannot be started says why", async () => {
    for (const [argv, options, pattern] of [
      [["no-such-program"], {}, /^spawn_failed: no-such-program: no such file/],
      [["true"], { cwd: "/home/tenki/none" }, /^spawn_failed: directory \/home\/tenki\/none: no such file/],
      [["/etc/passwd"], {}, /^spawn_failed: .*permission denied/],
    ] as const) {
      const command = {
        argv,
        cwd: "/home/tenki",
        env: { PATH: "/usr/bin:/bin" },
        privileged: false,
        timeoutMs: 0,
      };
      const spawned = await isolation.runtime.spawn(session, { ...command, ...options }, never);
      assert.ok(!spawned.started);
      assert.match(spawned.exit.reason, pattern);
      assert.ok((spawned.exit.errno ?? 0) > 0);
    }
  });

  it("is signalled, and ended with its whole tree when its time is over", async () => {
    const process = await begin(["sleep", "1000"]);
    process.signal("TERM");
    assert.deepEqual((await follow(process)).exit?.signal, "TERM");
    const { stdout, exit } = await run("setsid sleep 1000 & echo $!; sleep 1000", { timeoutMs: 300 });
    assert.deepEqual([exit?.timedOut, exit?.reason], [true, "timeout"]);
    await gone(Number(stdout));
  });

  it("stands still while it is paused, with what it started, and goes on where it was", async () => {
    const process = await begin(["sh", "-c", "setsid sleep 1000 & echo $!; exec cat"]);
    const events = process.events[Symbol.asyncIterator]();
    const said = await events.next();
    assert.ok(said.done !== true && said.value.kind === "stdout");
    const pids = [process.pid, Number(Buffer.from(said.value.data).toString())];
    const states = () => pids.map(stateOf);
    assert.equal(await isolation.runtime.isPaused(session), false);
    await isolation.runtime.pause(session);
    assert.deepEqual(states(), ["T", "T"]);
    assert.equal(await isolation.runtime.isPaused(session), true);
    await process.writeStdin(Buffer.from("on"));
    await isolation.runtime.resume(session);
    for (let event = await events.next(); event.value?.kind !== "stdout"; event = await events.next()) {
      assert.ok(event.done !== true, "it ended");
    }
    await isolation.runtime.pause(session);
    await isolation.runtime.stop(session);
    for (const pid of pids) await gone(pid);
    await start();
  });

  // The kernel does not let a parent stop while its child of a vfork is its own guest, and such a child is stopped too.
  it("stands still while it is paused, where it waits for a child that uses its memory", async () => {
    const source = join(dataDir, "vfork.c");
    const program = join(dataDir, "vfork");
    writeFileSync(source, "#include <unistd.h>\nint main(void) { if (vfork() == 0) for (;;) pause(); }\n");
    await runProcess(["gcc", "-w", "-o", program, source]);
    const process = await begin([program]);
    const waits = () => (stateOf(process.pid) === "D" ? true : undefined);
    assert.ok(await waitUntil(waits, { timeoutMs: 10_000 }), "it does not wait for its child");
    assert.equal(await isolation.runtime.isPaused(session), false);
    await isolation.runtime.pause(session);
    assert.equal(await isolation.runtime.isPaused(session), true);
    await isolation.runtime.resume(session);
    assert.equal(await isolation.runtime.isPaused(session), false);
    await isolation.runtime.stop(session);
    await gone(process.pid);
    await start();
  });

  it("is ended with its tree when its caller goes", async () => {
    const process = await begin(["sh", "-c", "trap '' HUP; sleep 1000 & echo $!; wait"]);
    let child = 0;
    for await (const event of process.events) {
      if (event.kind === "stdout") child = Number(Buffer.from(event.data).toString());
      break;
    }
    process.close();
    await gone(child);
    await gone(process.pid);
  });

  it("that is kept is come back to while the engine lives, at any byte of what it said last", async () => {
    const kept = { id: "44444444-4444-4444-8444-444444444444", lingerMs: 0 };
    const attach = (outputOffset: number) =>
      isolation.runtime.attach(session, kept.id, { outputOffset }, never);
    const first = await begin(["sh", "-c", "echo before; read line; echo $line; exit 3"], { kept });
    const events = first.events[Symbol.asyncIterator]();
    assert.equal((await events.next()).value?.kind, "stdout");
    first.detach();
    assert.equal((await events.next()).done, true);
    const second = await attach(3);
    assert.deepEqual([second.pid, second.outputOffset, second.stdinReceived], [first.pid, 3, 0]);
    const third = await attach(7); // takes it from the second
    await assert.rejects(follow(second), { kind: "unavailable" });
    await third.writeStdin(Buffer.from("after\n"));
    const { stdout, exit } = await follow(third);
    assert.deepEqual([stdout, exit?.exitCode], ["after\n", 3]);
    await assert.rejects(attach(0), { kind: "not_found", message: "no such command" });
    const other = (await open()).runtime;
    await assert.rejects(other.attach(session, kept.id, { outputOffset: 0 }, never), { kind: "not_found" });
  });

  it("that is kept holds back while nobody is there, keeps what it said, and is ended in the end", async () => {
    const total = 9_000_000;
    const kept = { id: "55555555-5555-4555-8555-555555555555", lingerMs: 200 };
    const script = `trap '' HUP; head -c ${total} /dev/zero; exec sleep 1000`;
    const first = await begin(["sh", "-c", script], { kept });
    let bytes = 0;
    const events = first.events[Symbol.asyncIterator]();
    while (bytes < total) {
      const { value } = await events.next();
      if (value?.kind === "stdout") bytes += value.data.length;
    }
    const attach = (outputOffset: number) =>
      isolation.runtime.attach(session, kept.id, { outputOffset }, never);
    await assert.rejects(attach(1_000), { kind: "data_loss" });
    await assert.rejects(attach(total + 1), { kind: "data_loss" });
    const back = await attach(total - (3 << 20));
    let again = 0;
    for (const replayed = back.events[Symbol.asyncIterator](); again < 3 << 20;) {
      const { value } = await replayed.next();
      if (value?.kind === "stdout") again += value.data.length;
    }
    assert.equal(again, 3 << 20);
    assert.throws(() => back.signal("NONE"), { kind: "invalid_argument" });
    back.detach();
    await gone(first.pid);
    await assert.rejects(attach(total), { kind: "not_found" });
  });

  it("in the background lives on, until the session ends, whichever engine ends it", async () => {
    const { stdout } = await run("nohup sleep 1000 >/dev/null 2>&1 </dev/null & echo $!");
    const pid = Number(stdout);
    assert.ok(readProcessIdentity(pid));
    const other = await open();
    assert.equal(await other.runtime.isRunning(session), true);
    await other.runtime.sweep(new Set([session]));
    assert.ok(readProcessIdentity(pid), "sweeping must not end it");
    await other.runtime.stop(session);
    await gone(pid);
    assert.equal(await other.runtime.isRunning(session), false);
    symlinkSync(root, join(dataDir, "processes", session)); // for the tests that follow
  });
});

describe("files in place of a sandbox's", () => {
  const path = (name: string) => `/home/tenki/${name}`;
  async function* bytes(text: string) {
    yield Buffer.from(text);
  }
  const write = (name: string, text: string, options: object = {}) =>
    files.write(path(name), bytes(text), { mode: 0, truncate: true, sync: false, ...options });
  async function read(name: string, options: object = {}): Promise<string> {
    const { chunks } = await files.read(path(name), { offset: 0, length: 0, chunkBytes: 0, ...options });
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    return Buffer.concat(parts).toString();
  }

  it("are written as a whole or not at all, and keep their mode", async () => {
    assert.equal(await write("f", "one", { mode: 0o600, sync: true }), 3);
    assert.equal(await write("f", " two", { truncate: false }), 4);
    assert.equal(await read("f"), "one two");
    assert.equal((await files.stat(path("f")))?.mode, 0o600);
    async function* breaks() {
      yield Buffer.from("half");
      throw new Error("the caller went away");
    }
    await assert.rejects(
      files.write(path("f"), breaks(), { mode: 0, truncate: true, sync: false }),
      /went away/,
    );
    assert.equal(await read("f"), "one two");
    assert.equal(await read("f", { offset: 4, length: 2 }), "tw");
    const names = (await files.list("/home/tenki", { includeHidden: true })).map((entry) => entry.path);
    assert.deepEqual(names, [path("f")], "nothing half-made is left");
  });

  it("are made, listed and removed", async () => {
    await files.makeDirectory(path("d/e"), { mode: 0, recursive: true });
    await write("d/.hidden", "x");
    const names = async (includeHidden: boolean) =>
      (await files.list(path("d"), { includeHidden })).map((entry) => entry.path).toSorted();
    assert.deepEqual(await names(false), [path("d/e")]);
    assert.deepEqual(await names(true), [path("d/.hidden"), path("d/e")]);
    await assert.rejects(files.remove(path("d"), { recursive: false }), /not empty/);
    assert.equal(await files.remove(path("d"), { recursive: true }), 3);
    assert.equal(await files.remove(path("d"), { recursive: true }), 0);
    assert.equal(await files.stat(path("d")), undefined);
  });

  it("that are missing or of the wrong kind are refused in the contract's words", async () => {
    await assert.rejects(read("none"), { kind: "not_found", message: /no such file or directory/ });
    await assert.rejects(files.read("/home/tenki", { offset: 0, length: 0, chunkBytes: 0 }), {
      kind: "failed_precondition",
    });
    await write("plain", "x");
    await assert.rejects(files.makeDirectory(path("plain"), { mode: 0, recursive: false }), {
      kind: "already_exists",
    });
  });

  it("behind a link that leads out are refused", async () => {
    symlinkSync("/etc", join(root, path("out")));
    symlinkSync("/etc/passwd", join(root, path("passwd")));
    for (const name of ["out/passwd", "passwd"]) {
      await assert.rejects(read(name), { kind: "permission_denied" });
      await assert.rejects(write(name, "x"), { kind: "permission_denied" });
    }
    assert.equal((await files.stat(path("passwd")))?.symlinkTarget, "/etc/passwd");
    assert.equal(await files.remove(path("out"), { recursive: true }), 1);
    assert.ok(readFileSync("/etc/passwd").length > 0);
  });
});

const stateOf = (pid: number) => /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];

async function gone(pid: number): Promise<void> {
  assert.ok(pid > 1, "no pid");
  const ended = await waitUntil(() => (readProcessIdentity(pid) === undefined ? true : undefined), {
    timeoutMs: 10_000,
  });
  assert.ok(ended, `${pid} runs on`);
}

it("says of memory that it has no snapshots to put it into", async () => {
  assert.deepEqual(await isolation.runtime.memoryObstacles(), [
    "with --isolation process there are no snapshots",
  ]);
});

describe("SSH without a sandbox", () => {
  it("is refused, and says why", () => {
    assert.throws(() => isolation.runtime.sshServer(), {
      kind: "failed_precondition",
      message: /^ssh is not to be had with --isolation process/,
    });
  });
});
