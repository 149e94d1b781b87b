import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { TenkiError } from "../../src/domain/error.js";
import { Commands, type RunCommand } from "../../src/engine/core/commands/commands.js";
import { Files } from "../../src/engine/core/files/files.js";
import type { GuestEvent, GuestProcess } from "../../src/engine/core/ports/runtime.js";
import { refused } from "./refused.js";
import { nothing, oneOfEach, Workbench } from "./workbench.js";

const terminated = refused("failed_precondition", "session is terminated (state=TERMINATED)");

let bench: Workbench;
let commands: Commands;
let files: Files;
let id: string;
const signal = new AbortController().signal;

beforeEach(async () => {
  bench = new Workbench();
  commands = new Commands(bench.sessions, bench.parts.runtime);
  files = new Files(bench.sessions, bench.parts.runtime, bench.parts.disks);
  ({ id } = await bench.createRunning({ env: { FROM: "session", LANG: "de_DE.UTF-8" } }));
});

async function start(request: Partial<RunCommand>): Promise<GuestProcess> {
  const spawned = await commands.run(id, { ...plain, ...request }, signal);
  assert.ok(spawned.started);
  return spawned.process;
}

const plain: RunCommand = {
  argv: ["true"],
  cwd: "",
  env: {},
  terminal: false,
  privileged: false,
  timeoutMs: 0,
};

async function collect(process: GuestProcess): Promise<GuestEvent[]> {
  const events: GuestEvent[] = [];
  for await (const event of process.events) events.push(event);
  return events;
}

const asked = () => bench.parts.runtime.sandboxes.get(id)?.commands.at(-1);

describe("a command", () => {
  it("runs, and ends with one exit", async () => {
    const events = await collect(await start({ argv: ["fail", "no", "7"] }));
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ["stderr", "exit"],
    );
    const last = events.at(-1);
    assert.equal(last?.kind === "exit" && last.exit.exitCode, 7);
  });

  it("has stdin, and signals", async () => {
    const cat = await start({ argv: ["cat"] });
    await cat.writeStdin(Buffer.from("hello"));
    cat.closeStdin();
    const said = (await collect(cat)).filter(({ kind }) => kind === "stdout");
    assert.deepEqual(said, [{ kind: "stdout", data: Buffer.from("hello") }]);
    const waiting = await start({ argv: ["wait"] });
    waiting.signal("TERM");
    const last = (await collect(waiting)).at(-1);
    assert.equal(last?.kind === "exit" && last.exit.signal, "TERM");
  });

  it("that is not there is told as it is", async () => {
    const spawned = await commands.run(id, { ...plain, argv: ["nope"] }, signal);
    assert.ok(!spawned.started);
    assert.equal(spawned.exit.errno, 2);
    assert.match(spawned.exit.reason, /^spawn_failed: /);
  });

  it("starts in the home directory, below it, or where it is told", async () => {
    for (const [cwd, absolute] of [
      ["", "/home/tenki"],
      ["src", "/home/tenki/src"],
      ["/tmp", "/tmp"],
    ] as const) {
      await start({ cwd });
      assert.equal(asked()?.cwd, absolute);
    }
  });

  it("has the environment of everybody, the session's over it, the request's over that", async () => {
    await start({ env: { FROM: "request", EXTRA: "" } });
    assert.deepEqual(asked()?.env, {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: "/home/tenki",
      USER: "tenki",
      LOGNAME: "tenki",
      SHELL: "/bin/bash",
      LANG: "de_DE.UTF-8",
      FROM: "request",
      EXTRA: "",
    });
    assert.equal(asked()?.terminal, undefined);
  });

  it("is root's where it is privileged", async () => {
    await start({ privileged: true });
    assert.equal(asked()?.privileged, true);
    const { HOME, USER, LOGNAME } = asked()?.env ?? {};
    assert.deepEqual([HOME, USER, LOGNAME], ["/root", "root", "root"]);
  });

  it("has a terminal of the size that its environment says", async () => {
    const sizes = [
      [
        { COLUMNS: "132", LINES: "50" },
        { columns: 132, rows: 50 },
      ],
      [{}, { columns: 80, rows: 24 }],
      [
        { COLUMNS: "0", LINES: "-1" },
        { columns: 80, rows: 24 },
      ],
      [
        { COLUMNS: "x", LINES: "" },
        { columns: 80, rows: 24 },
      ],
      [
        { COLUMNS: "65535", LINES: "65536" },
        { columns: 65_535, rows: 24 },
      ],
      [
        { COLUMNS: "1.5", LINES: "2" },
        { columns: 80, rows: 2 },
      ],
    ] as const;
    for (const [env, size] of sizes) {
      await start({ terminal: true, env });
      assert.deepEqual(asked()?.terminal, size);
      const { TERM, COLUMNS, LINES } = asked()?.env ?? {};
      assert.deepEqual([TERM, COLUMNS, LINES], ["xterm-256color", undefined, undefined]);
    }
    await start({ env: { COLUMNS: "132" } });
    assert.equal(asked()?.env["COLUMNS"], "132", "without a terminal it is a variable like others");
    await start({ terminal: true, env: { TERM: "vt100" } });
    assert.equal(asked()?.env["TERM"], "vt100");
  });

  it("is refused where the kernel could not be given it", async () => {
    const bad: Partial<RunCommand>[] = [
      { argv: [] },
      { argv: ["true", "a\0b"] },
      { cwd: "a\0b" },
      { env: { A: "x\0B=y" } },
      { env: { "A=B": "x" } },
      { env: { "": "x" } },
    ];
    for (const request of bad) {
      await assert.rejects(
        commands.run(id, { ...plain, ...request }, signal),
        refused("invalid_argument", ""),
      );
    }
    assert.equal(asked(), undefined);
  });

  it("counts as activity", async () => {
    await bench.clock.advance(1_000);
    await start({});
    assert.deepEqual(bench.sessions.get(id).lastActivityAt, bench.clock.now());
  });
});

describe("a file", () => {
  const write = (path: string, text: string) =>
    files.write(id, path, pieces(text), { mode: 0, truncate: true, sync: false });
  const read = async (path: string) => {
    const { chunks } = await files.read(id, path, { offset: 0, length: 0, chunkBytes: 2 });
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    return Buffer.concat(parts).toString();
  };

  it("is written, read, looked at, listed and removed, below the home directory", async () => {
    assert.equal(await write("a.txt", "hello"), 5);
    assert.equal(await read("/home/tenki/a.txt"), "hello");
    assert.equal((await files.stat(id, "a.txt"))?.size, 5);
    assert.equal(await files.stat(id, "b.txt"), undefined);
    await files.makeDirectory(id, "d", { mode: 0, recursive: false });
    const paths = (await files.list(id, "", { includeHidden: true })).map(({ path }) => path);
    assert.deepEqual(paths, ["/home/tenki/a.txt", "/home/tenki/d"]);
    assert.equal(await files.remove(id, "a.txt", { recursive: false }), 1);
  });

  it("outside of it is refused by every call, before the sandbox hears of it", async () => {
    const outside = refused("permission_denied", "path is outside /home/tenki");
    bench.parts.runtime.files = () => assert.fail("the sandbox was asked");
    const path = "../../etc/passwd";
    await assert.rejects(async () => files.read(id, path, { offset: 0, length: 0, chunkBytes: 1 }), outside);
    await assert.rejects(async () => write(path, "x"), outside);
    await assert.rejects(async () => files.stat(id, path), outside);
    await assert.rejects(async () => files.makeDirectory(id, path, { mode: 0, recursive: true }), outside);
    await assert.rejects(async () => files.remove(id, path, { recursive: true }), outside);
    await assert.rejects(async () => files.list(id, path, { includeHidden: true }), outside);
  });

  it("is never the home directory itself where that would be replaced or removed", async () => {
    const itself = refused("permission_denied", "/home/tenki itself");
    await assert.rejects(async () => write("", "x"), itself);
    await assert.rejects(async () => files.remove(id, ".", { recursive: true }), itself);
    assert.deepEqual(await files.list(id, "", { includeHidden: true }), []);
  });

  it("that is being read when the sandbox dies breaks off with the session's state", async () => {
    await write("a.txt", "hello");
    const { chunks } = await files.read(id, "a.txt", { offset: 0, length: 0, chunkBytes: 1 });
    const reading = chunks[Symbol.asyncIterator]();
    await reading.next();
    bench.parts.runtime.die(id);
    await assert.rejects(reading.next(), terminated);
  });
});

describe("a sandbox that died by itself", () => {
  const died = "its sandbox ended by itself";

  it("ends the session, which says so, when a command is tried", async () => {
    bench.parts.runtime.die(id);
    await assert.rejects(start({}), terminated);
    const ended = bench.sessions.get(id);
    assert.equal(ended.terminalError, died);
    assert.deepEqual(bench.parts.count(), nothing);
    await assert.rejects(start({}), terminated);
  });

  it("ends the session when a file is asked for", async () => {
    bench.parts.runtime.die(id);
    await assert.rejects(files.stat(id, "a"), terminated);
    assert.equal(bench.sessions.get(id).terminalError, died);
  });

  it("tells it to who was running a command", async () => {
    const process = await start({ argv: ["wait"] });
    const reading = collect(process);
    bench.parts.runtime.die(id);
    await assert.rejects(reading, terminated);
    assert.equal(bench.sessions.get(id).terminalError, died);
  });

  it("tells it even where it cannot be taken apart now", async () => {
    bench.parts.runtime.die(id);
    bench.parts.steps.fail("disks.release");
    await assert.rejects(
      start({}),
      refused("failed_precondition", "session is terminated (state=TERMINATING)"),
    );
  });

  it("is no reason of its own where somebody terminates the session", async () => {
    const process = await start({ argv: ["wait"] });
    const reading = collect(process);
    await Promise.all([
      bench.sessions.terminate(id),
      assert.rejects(reading, refused("failed_precondition", "terminated")),
    ]);
    assert.equal(bench.sessions.get(id).terminalError, undefined);
  });

  it("is told from one that only did not answer this time", async () => {
    const silence = new TenkiError("unavailable", "no answer");
    bench.parts.steps.fail("runtime.spawn", { error: silence });
    await assert.rejects(start({}), (error) => error === silence);
    assert.equal(bench.sessions.get(id).state, "RUNNING");
    assert.deepEqual(bench.parts.count(), oneOfEach);
  });

  it("is told from a call that was refused", async () => {
    const missing = files.read(id, "nope", { offset: 0, length: 0, chunkBytes: 1 });
    await assert.rejects(missing, refused("not_found", "no such file or directory"));
    assert.equal(bench.parts.steps.taken.includes("runtime.isRunning"), false);
  });
});

describe("a call into a session that does not run", () => {
  it("is told its state", async () => {
    const held = bench.parts.steps.hold("runtime.start");
    ({ id } = bench.create());
    await held.reached;
    await assert.rejects(
      start({}),
      refused("failed_precondition", "session is not running (state=CREATING)"),
    );
    held.release();
    await bench.until(id, "RUNNING");
    await bench.sessions.terminate(id);
    await assert.rejects(start({}), terminated);
    id = "nope";
    await assert.rejects(start({}), refused("not_found", "session not found: nope"));
  });
});

async function* pieces(text: string): AsyncGenerator<Uint8Array> {
  for (const character of text) yield Buffer.from(character);
}
