import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { waitUntil } from "../../src/lib/wait-until.js";
import { hostState, instanceIdOf } from "./support/host-state.js";
import { cpuUsage } from "./support/cpu-usage.js";
import { killEngine, loseMachine } from "./support/lose-machine.js";
import { ended, Workbench } from "./support/tenki.js";

interface Shown {
  readonly id: string;
  readonly state: string;
  readonly paused_at: string | null;
  readonly last_resume_error: string | null;
  readonly terminal_error: string | null;
}

/** Counts in its memory, over a connection to itself, and writes down what arrived. */
const counter = `
import os, socket, threading, time
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
peer = server.accept()[0].makefile("r")
out = open("counted", "w", buffering=1)
out.write(f"{os.getpid()}\\n")
number = 0
while True:
    number += 1
    client.sendall(f"{number}\\n".encode())
    out.write(peer.readline())
    time.sleep(0.01)
`;

describe("a paused session", () => {
  let bench: Workbench;
  let pid: number;
  before(async () => {
    bench = await Workbench.open();
    ({ pid } = await bench.startEngine());
    await bench.ok(["sandbox", "create", "--name", "counting"]);
    await bench.ok(["sandbox", "write", "--path", "counter.py", "--data", counter]);
    await bench.ok(["sandbox", "exec", "-q", "-c", "nohup python3 counter.py >/dev/null 2>&1 </dev/null &"]);
  });
  after(() => bench.close());
  const get = (name: string) => bench.json<Shown>(["sandbox", "get", name]);
  /** What the counter wrote down: its pid, then every number that came through. */
  const counted = async () => {
    const text = await bench.ok(["sandbox", "read", "counting", "--path", "counted"]);
    const [own, ...numbers] = text.trim().split("\n").map(Number);
    return { own, numbers };
  };
  const goesOn = async () => {
    const { length } = (await counted().catch(() => ({ numbers: [] }))).numbers;
    const more = await waitUntil(async () => ((await counted()).numbers.length > length ? true : undefined), {
      timeoutMs: 20_000,
    });
    assert.equal(more, true, "it does not go on");
  };

  const restarts = {
    "while the engine runs on": async () => undefined,
    "over a restart of the engine": async () => {
      await bench.ok(["engine", "stop"]);
      ({ pid } = await bench.startEngine());
    },
    "over kill -9 of the engine": async () => {
      await killEngine(pid);
      ({ pid } = await bench.startEngine());
    },
  };
  for (const [when, restart] of Object.entries(restarts)) {
    it(`goes on where it was, with its memory, files and connections, ${when}`, async () => {
      await goesOn();
      const before_ = await counted();
      await bench.ok(["sandbox", "pause", "counting"]);
      const paused = await get("counting");
      assert.equal(paused.state, "PAUSED");
      const used = cpuUsage(bench.dataDir, paused.id);
      await restart();
      assert.deepEqual(await get("counting"), paused, "nothing about it has changed");
      assert.equal(cpuUsage(bench.dataDir, paused.id), used, "it stood still");
      const resumed = await bench.json<Shown>(["sandbox", "resume", "counting"]);
      assert.equal(resumed.state, "RUNNING");
      assert.equal(resumed.id, paused.id);
      assert.equal(resumed.paused_at, null);
      await goesOn();
      const { own, numbers } = await counted();
      assert.equal(own, before_.own, "it is the same process");
      assert.deepEqual(
        numbers,
        numbers.map((_, index) => index + 1),
        "no number is lost or came twice",
      );
    });
  }

  it("holds a command that runs through the engine, and lets it go on", async () => {
    const line =
      "echo 1; while [ ! -e released ]; do sleep 0.05; done; for i in $(seq 2 2000); do echo $i; done";
    const child = bench.spawn(["sandbox", "exec", "--session", "counting", "-q", "-c", line]);
    const over = ended(child);
    const lines = read(child);
    await first(child);
    await bench.ok(["sandbox", "pause", "counting"]);
    await bench.ok(["sandbox", "get", "counting"]);
    await bench.ok(["sandbox", "resume", "counting"]);
    await bench.ok(["sandbox", "write", "--session", "counting", "--path", "released", "--data", ""]);
    assert.equal(await over, 0);
    assert.deepEqual(
      lines,
      Array.from({ length: 2_000 }, (_, index) => String(index + 1)),
    );
  });

  it("does not count the pause as a command's time", async () => {
    const line = "echo ready; while [ ! -e go ]; do sleep 0.1; done; echo done";
    const child = bench.spawn([
      "sandbox",
      "exec",
      "--session",
      "counting",
      "--timeout",
      "12s",
      "-q",
      "-c",
      line,
    ]);
    const over = ended(child);
    const lines = read(child);
    await first(child);
    await bench.ok(["sandbox", "pause", "counting"]);
    await passes(13_000);
    await bench.ok(["sandbox", "resume", "counting"]);
    await bench.ok(["sandbox", "write", "--session", "counting", "--path", "go", "--data", ""]);
    assert.equal(await over, 0);
    assert.deepEqual(lines, ["ready", "done"]);
  });

  it("keeps what status says it keeps", async () => {
    const keeps = "processes, memory and files; over a restart of the machine: files";
    for (const words of [["status"], ["engine", "status"]]) {
      assert.equal((await bench.json<{ pause_keeps: string }>(words)).pause_keeps, keeps);
      assert.match(await bench.ok(words), new RegExp(`^pause_keeps +: ${keeps}$`, "m"));
    }
  });

  it("is resumed by exec --resume, and only by that", async () => {
    await bench.ok(["sandbox", "pause", "counting"]);
    const refusal = await bench.call(["sandbox", "exec", "--session", "counting", "--", "echo", "on"]);
    assert.equal(refusal.code, 125);
    assert.match(refusal.stderr, /state=PAUSED/);
    assert.equal((await get("counting")).state, "PAUSED");
    const call = ["sandbox", "exec", "--session", "counting", "--resume", "-q", "--", "echo", "on"];
    assert.equal(await bench.ok(call), "on\n");
    assert.equal(await bench.ok(call), "on\n");
    await goesOn();
  });

  it("comes to a right end, whatever else is asked of it at the same moment", async () => {
    await bench.ok(["sandbox", "create", "--name", "contended"]);
    const verbs = [
      ["pause", "contended"],
      ["exec", "--session", "contended", "-q", "--", "true"],
      ["resume", "contended"],
      ["exec", "--session", "contended", "--resume", "-q", "--", "true"],
    ];
    const outcomes = await Promise.all(
      [...verbs, ...verbs, ...verbs].map((args) => bench.call(["sandbox", ...args], { timeoutMs: 120_000 })),
    );
    for (const { code, stderr } of outcomes) if (code !== 0) assert.match(stderr, /state=[A-Z]+/);
    assert.match((await get("contended")).state, /^(RUNNING|PAUSED)$/);
    const [gone, ...others] = await Promise.all([
      bench.call(["sandbox", "terminate", "--yes", "contended"]),
      bench.call(["sandbox", "pause", "contended"]),
      bench.call(["sandbox", "resume", "contended"]),
    ]);
    assert.equal(gone?.code, 0);
    for (const { code, stderr } of others) if (code !== 0) assert.match(stderr, /state=[A-Z]+|not found/);
    assert.equal((await get("contended")).state, "TERMINATED");
  });

  it("keeps its files when the machine goes down, and starts afresh with them", async () => {
    await bench.ok(["sandbox", "create", "--name", "running"]);
    await bench.ok([
      "sandbox",
      "exec",
      "--session",
      "counting",
      "-q",
      "-u",
      "root",
      "-c",
      "echo also > /etc/kept",
    ]);
    await bench.ok(["sandbox", "write", "--session", "counting", "--path", "kept", "--data", "written"]);
    await bench.ok(["sandbox", "pause", "counting"]);
    const before_ = await get("counting");
    await loseMachine(bench.dataDir, pid);
    ({ pid } = await bench.startEngine());
    assert.equal((await get("running")).terminal_error, "its sandbox was gone when the engine started");
    const kept = await get("counting");
    assert.equal(kept.state, "PAUSED");
    assert.match(kept.last_resume_error ?? "", /its processes have ended/);
    assert.deepEqual({ ...kept, last_resume_error: null }, before_);
    await bench.ok(["sandbox", "create", "--name", "another"]); // it takes a network that is free now

    const resumed = await bench.json<Shown>(["sandbox", "resume", "counting"]);
    assert.deepEqual([resumed.state, resumed.last_resume_error], ["RUNNING", null]);
    assert.equal(
      await bench.ok(["sandbox", "exec", "--session", "counting", "-q", "-c", "cat kept /etc/kept"]),
      "writtenalso\n",
    );
    const { numbers } = await counted();
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => index + 1),
    );
    const python = await bench.call([
      "sandbox",
      "exec",
      "--session",
      "counting",
      "-q",
      "--",
      "pgrep",
      "python3",
    ]);
    assert.equal(python.code, 1, "its processes are gone");
    assert.equal(
      await bench.ok(["sandbox", "exec", "--session", "another", "-q", "-c", "hostname"]),
      "another\n",
    );

    await bench.ok(["sandbox", "pause", "counting"]);
    await bench.ok(["sandbox", "resume", "counting"]);
    assert.equal(
      await bench.ok(["sandbox", "exec", "--session", "counting", "-q", "-c", "cat kept"]),
      "written",
    );
  });

  it("is terminated with the rest, and leaves nothing", async () => {
    await bench.ok(["sandbox", "pause", "counting"]);
    await bench.ok(["sandbox", "pause", "another"]);
    await loseMachine(bench.dataDir, pid);
    ({ pid } = await bench.startEngine());
    await bench.ok(["sandbox", "resume", "another"]);
    await bench.ok(["sandbox", "pause", "another"]);
    await bench.ok(["engine", "stop", "--terminate-sessions"]);
    assert.deepEqual(await hostState(bench.dataDir, instanceIdOf(bench.dataDir)), []);
  });
});

/** More time than the command has. */
const passes = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Every line that a command has said so far. */
function read(child: ChildProcess): string[] {
  const lines: string[] = [];
  if (child.stdout !== null) createInterface(child.stdout).on("line", (line) => lines.push(line));
  return lines;
}

const first = (child: ChildProcess): Promise<unknown> =>
  new Promise((resolve) => child.stdout?.once("data", resolve));
