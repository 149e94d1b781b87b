import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { TenkiError } from "../../src/domain/error.js";
import {
  type Freezer,
  freezeCgroup,
  freezerV1,
  freezerV2,
  isFrozen,
  thawCgroup,
} from "../../src/engine/runtime/freezer.js";
import { waitUntil } from "../../src/lib/wait-until.js";

const root = "/sys/fs/cgroup";
const isVersion2 = (path: string) => existsSync(join(path, "cgroup.controllers"));
const unified = [root, join(root, "unified")].find(isVersion2);

/** Both versions where the machine has both, as it has with hybrid cgroups. */
const freezers: readonly [string, Freezer][] = [
  ...(existsSync(join(root, "freezer")) ? [["version 1", freezerV1(join(root, "freezer"))] as const] : []),
  ...(unified === undefined ? [] : [["version 2", freezerV2(unified)] as const]),
].map(([name, freezer]) => [name, freezer]);

for (const [name, freezer] of freezers) {
  describe(`the freezer of ${name}`, () => {
    /** A process that never rests, in a cgroup of its own. */
    async function busy(t: TestContext): Promise<{ readonly path: string; readonly child: ChildProcess }> {
      const path = `tenki-freezer-test-${process.pid}`;
      const directory = join(freezer.root, path);
      mkdirSync(directory);
      const child = spawn("sh", ["-c", "while :; do :; done"], { stdio: "ignore" });
      t.after(async () => {
        child.kill("SIGKILL");
        await thawCgroup(freezer, path);
        if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
        rmdirSync(directory);
      });
      writeFileSync(join(directory, "cgroup.procs"), String(child.pid));
      return { path, child };
    }

    it("stops what never rests, and lets it go on", async (t) => {
      const { path, child } = await busy(t);
      assert.equal(await isFrozen(freezer, path), false);
      await freezeCgroup(freezer, path);
      assert.equal(await isFrozen(freezer, path), true);
      const used = cpuTicks(child);
      for (let n = 0; n < 2e8; n += 1); // time in which it would have run
      assert.equal(cpuTicks(child), used);
      await freezeCgroup(freezer, path);
      await thawCgroup(freezer, path);
      assert.equal(await isFrozen(freezer, path), false);
      const ran = await waitUntil(() => (cpuTicks(child) > used ? true : undefined), { timeoutMs: 10_000 });
      assert.equal(ran, true);
    });

    it("says that there is nothing to stop", async () => {
      const gone = (error: TenkiError) => error.kind === "unavailable";
      await assert.rejects(freezeCgroup(freezer, "tenki-never-there"), gone);
      await assert.rejects(thawCgroup(freezer, "tenki-never-there"), gone);
      assert.equal(await isFrozen(freezer, "tenki-never-there"), false);
    });
  });
}

/** User and system time, as the kernel counts it. */
function cpuTicks({ pid }: ChildProcess): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
