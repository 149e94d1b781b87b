import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readCgroupStats } from "../../src/engine/runtime/read-cgroup-stats.js";
import { networkStatsOf } from "../../src/engine/runtime/read-network-stats.js";

const root = mkdtempSync(join(tmpdir(), "tenki-cgroup-"));
after(() => rmSync(root, { recursive: true }));

/** A cgroup's files, as the kernel writes them. */
function cgroup(name: string, files: Readonly<Record<string, string>>): string {
  mkdirSync(join(root, name));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(root, name, file), text);
  return name;
}

const everything = { cpu: root, cpuacct: root, memory: root, pids: root };

test("version 2's counts", async () => {
  const path = cgroup("v2", {
    "cpu.stat": "usage_usec 1234567\nuser_usec 1\nsystem_usec 2\n",
    "cpu.max": "150000 100000\n",
    "memory.current": "1000\n",
    "memory.max": "2000\n",
    "memory.stat": "anon 700\nfile 250\ninactive_anon 700\nactive_file 100\ninactive_file 150\n",
    "pids.current": "3\n",
    "pids.max": "512\n",
  });
  assert.deepEqual(await readCgroupStats(everything, path), {
    cpuUsageUs: 1_234_567,
    cpuCores: 1.5,
    memoryBytes: 750,
    memoryLimitBytes: 2_000,
    processes: 3,
    processLimit: 512,
  });
});

test("version 1's counts, with those of what is below", async () => {
  const path = cgroup("v1", {
    "cpuacct.usage": "1234567890\n",
    "cpu.stat": "nr_periods 3\nnr_throttled 0\nthrottled_time 0\n",
    "cpu.cfs_quota_us": "200000\n",
    "cpu.cfs_period_us": "100000\n",
    "memory.usage_in_bytes": "1000\n",
    "memory.limit_in_bytes": "2000\n",
    "memory.stat": "active_file 1\ninactive_file 2\ntotal_active_file 100\ntotal_inactive_file 150\n",
    "pids.current": "3\n",
    "pids.max": "512\n",
  });
  const { cpuUsageUs, cpuCores, memoryBytes } = await readCgroupStats(everything, path);
  assert.deepEqual([cpuUsageUs, cpuCores, memoryBytes], [1_234_567, 2, 750]);
});

test("no limit is none", async () => {
  const none = { cpuCores: undefined, memoryLimitBytes: undefined, processLimit: undefined };
  for (const path of [
    cgroup("none-v2", { "cpu.max": "max 100000\n", "memory.max": "max\n", "pids.max": "max\n" }),
    cgroup("none-v1", {
      "cpu.cfs_quota_us": "-1\n",
      "cpu.cfs_period_us": "100000\n",
      "memory.limit_in_bytes": "9223372036854771712\n",
    }),
  ]) {
    const { cpuCores, memoryLimitBytes, processLimit } = await readCgroupStats(everything, path);
    assert.deepEqual({ cpuCores, memoryLimitBytes, processLimit }, none);
  }
});

test("of a cgroup that is not there, or has no controllers, nothing is known", async () => {
  for (const roots of [everything, {}]) {
    const stats = await readCgroupStats(roots, "nowhere");
    assert.deepEqual(
      Object.values(stats).filter((value) => value !== undefined),
      [],
    );
  }
});

test("the network's counts are those of every interface but loopback", () => {
  const headings = "Inter-|   Receive    |  Transmit\n face |bytes    packets|bytes    packets\n";
  const lines = [
    "    lo: 9999 9 0 0 0 0 0 0 9999 9 0 0 0 0 0 0",
    "  eth0: 1000 5 0 0 0 0 0 0 300 4 0 0 0 0 0 0",
    "  tap0:50 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0",
  ];
  assert.deepEqual(networkStatsOf(`${headings}${lines.join("\n")}\n`), {
    networkReceivedBytes: 1_050,
    networkSentBytes: 307,
  });
});
