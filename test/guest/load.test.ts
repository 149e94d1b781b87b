import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { waitUntil } from "../../src/lib/wait-until.js";
import { GuestSandbox } from "./support/guest-sandbox.js";
import { commandOf, neverAborts, run, shell, start } from "./support/run-in.js";

/** A cgroup that bounds processes, on either version of the interface; removed with its sandbox. */
async function withProcessLimit(
  use: (sandbox: GuestSandbox, limit: (value: number | "max") => void, count: () => number) => Promise<void>,
): Promise<void> {
  const root = existsSync("/sys/fs/cgroup/pids") ? "/sys/fs/cgroup/pids" : "/sys/fs/cgroup";
  const group = join(root, `tenki-guest-test-${process.pid}`);
  mkdirSync(group);
  try {
    assert.ok(existsSync(join(group, "pids.max")), `this machine's cgroups cannot bound processes (${root})`);
    const sandbox = await GuestSandbox.start({ cgroupProcs: join(group, "cgroup.procs") });
    try {
      await use(
        sandbox,
        (value) => writeFileSync(join(group, "pids.max"), String(value)),
        () => Number(readFileSync(join(group, "pids.current"), "utf8")),
      );
    } finally {
      await sandbox.stop();
    }
  } finally {
    await waitUntil(() => tryRemove(group), { timeoutMs: 5_000 });
  }
}

function tryRemove(group: string): true | undefined {
  try {
    rmdirSync(group);
    return true;
  } catch {
    return undefined; // the last process is still on its way out
  }
}

async function withSandbox(use: (sandbox: GuestSandbox) => Promise<void>): Promise<void> {
  const sandbox = await GuestSandbox.start();
  try {
    await use(sandbox);
  } finally {
    await sandbox.stop();
  }
}

test("100 commands at once each get their own answer", async () => {
  await withSandbox(async (sandbox) => {
    const runs = Array.from({ length: 100 }, async (_, index) => {
      const { stdout, stderr, exit } = await shell(sandbox, `cat; echo err-${index} >&2; exit ${index}`, {
        stdin: `in-${index}`,
      });
      assert.deepEqual([stdout, stderr, exit.exitCode], [`in-${index}`, `err-${index}\n`, index]);
    });
    await Promise.all(runs);
    await sandbox.waitUntilIdle();
  });
});

test("at the process limit each call says so, and pid 1 serves again when there is room", async () => {
  await withProcessLimit(async (sandbox, limit, count) => {
    await sandbox.waitUntilIdle();
    const descriptors = () => readdirSync(`/proc/${sandbox.initPid}/fd`).length;
    const before = descriptors();
    limit(count());
    const exhausted = { kind: "resource_exhausted", message: "the sandbox has as many processes as it may" };
    await assert.rejects(sandbox.link.ping(neverAborts()), exhausted);
    const many = Array.from({ length: 200 }, () => sandbox.link.files.stat("/home/tenki"));
    for (const call of await Promise.allSettled(many)) assert.equal(call.status, "rejected");
    assert.ok(
      await waitUntil(() => descriptors() === before || undefined, { timeoutMs: 5_000 }),
      "all were let go",
    );
    for (const room of [0, 1]) {
      limit(count() + room);
      const result = await sandbox.link.spawn(commandOf(["true"]), neverAborts());
      assert.equal(!result.started && result.exit.errno, constants.errno.EAGAIN, `room for ${room}`);
      await sandbox.waitUntilIdle();
    }
    limit("max");
    assert.equal((await run(sandbox, ["echo", "fine"])).stdout, "fine\n");
  });
});

test("a fork bomb cannot outrun its end, and pid 1 outlives it", async () => {
  await withProcessLimit(async (sandbox, limit, count) => {
    limit(300);
    const bomb = ["bash", "-c", "exec 2>/dev/null; f() { f & f & wait; }; while :; do f; done"];
    const { exit } = await run(sandbox, bomb, { timeoutMs: 1_500 });
    assert.equal(exit.timedOut, true);
    await sandbox.waitUntilIdle();
    const process = await start(sandbox, bomb);
    assert.ok(await waitUntil(() => count() > 250 || undefined, { timeoutMs: 10_000 }), "the bomb went off");
    process.close();
    await sandbox.waitUntilIdle(15_000);
    assert.equal((await run(sandbox, ["echo", "fine"])).stdout, "fine\n");
  });
});

test("out of descriptors pid 1 waits, idle, and goes on when there are some", async () => {
  await withSandbox(async (sandbox) => {
    const setLimit = (value: string): void => {
      execFileSync("prlimit", ["--pid", String(sandbox.initPid), `--nofile=${value}`]);
    };
    const ticks = (): number => {
      const fields = readFileSync(`/proc/${sandbox.initPid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
      return Number(fields[11]) + Number(fields[12]);
    };
    setLimit("4:1024");
    const before = ticks();
    await assert.rejects(sandbox.link.ping(AbortSignal.timeout(500)), { kind: "cancelled" });
    assert.ok(ticks() - before <= 5, `${ticks() - before} ticks of work in half a second`);
    setLimit("1024:1024");
    await sandbox.link.ping(neverAborts());
  });
});

test("pid 1 stays tiny, whatever it served", async () => {
  await withSandbox(async (sandbox) => {
    for (let round = 0; round < 100; round++) await run(sandbox, ["true"]);
    const status = readFileSync(`/proc/${sandbox.initPid}/status`, "utf8");
    const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
    assert.ok(kilobytes > 0 && (kilobytes < 1_500 || isSanitized), `${kilobytes} kB`);
  });
});

const isSanitized = process.env["TENKI_TEST_GUEST"]?.includes("sanitize") ?? false;
