import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { memoryObstacles, type MemoryObstaclesOptions } from "../../src/engine/runtime/memory-obstacles.js";

const directory = mkdtempSync(join(tmpdir(), "tenki-memory-"));
after(() => rmSync(directory, { recursive: true }));

/** A program that says what a real one said. */
function program(name: string, script: string): string {
  const path = join(directory, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const runc = program("runc", `[ "$*" = 'checkpoint --help' ]`);
/** As Debian 12's. */
const crunWithout = program("crun", `echo "unknown command $1" >&2; exit 1`);
const working = program("criu", `[ "$1" = check ] && exec echo 'Looks good.'; echo 'Version: 4.1.1'`);
/** Debian 12's, on a kernel of 2025. */
const tooOld = program(
  "old-criu",
  `[ "$1" = --version ] && exec echo 'Version: 3.17.1'
echo 'Warn  (criu/kerndat.c:1103): $XDG_RUNTIME_DIR not set. Cannot find location for kerndat file' >&2
echo 'Error (criu/vdso.c:381): vdso: Unexpected rt vDSO area bounds' >&2
echo 'Error (criu/crtools.c:260): Could not initialize kernel features detection.' >&2
exit 1`,
);

const able = { rootless: false, ownsLimits: true };
const none = join(directory, "none");
const good: MemoryObstaclesOptions = { machine: able, runtimeCommand: runc, criu: working };

describe("what stands in the way of memory in snapshots", () => {
  it("is how sandboxes are built, where the machine has all that it takes", async () => {
    const [own, ...others] = await memoryObstacles(good);
    assert.match(own ?? "", /^this engine takes disks only, for pid 1 of every sandbox holds sockets/);
    assert.deepEqual(others, []);
  });

  const ofMachine: readonly [string, Partial<MemoryObstaclesOptions>, readonly string[]][] = [
    ["no CRIU", { criu: none }, ["there is no CRIU on this machine"]],
    [
      "a CRIU that does not know the kernel",
      { criu: tooOld },
      ["CRIU 3.17.1 does not work on this kernel: vdso: Unexpected rt vDSO area bounds"],
    ],
    [
      "a CRIU that does not start",
      { criu: program("broken", "echo 'libnet.so.1: cannot open shared object file' >&2; exit 127") },
      ["CRIU does not start: libnet.so.1: cannot open shared object file"],
    ],
    [
      "a CRIU that says nothing",
      { criu: program("mute", `[ "$1" = --version ] && exec echo 'Version: 4.1.1'; exit 3`) },
      ["CRIU 4.1.1 does not work on this kernel: it exits with 3"],
    ],
    [
      "a crun that is built without CRIU",
      { runtimeCommand: crunWithout },
      [`the OCI runtime ${crunWithout} takes no checkpoints: unknown command checkpoint`],
    ],
    [
      "a runtime that has gone",
      { runtimeCommand: none },
      [`the OCI runtime ${none} takes no checkpoints: it is gone`],
    ],
    ["no runtime", { runtimeCommand: undefined }, ["no OCI runtime works on this machine"]],
    [
      "a root that may not read limits",
      { machine: { rootless: false, ownsLimits: false } },
      ["the engine's root has no CAP_SYS_RESOURCE, without which CRIU cannot read other users' limits"],
    ],
    ["no root", { machine: { rootless: true, ownsLimits: false } }, ["it takes an engine of root's"]],
  ];
  for (const [what, options, expected] of ofMachine) {
    it(`is ${what}`, async () => {
      const [, ...others] = await memoryObstacles({ ...good, ...options });
      assert.deepEqual(others, expected);
    });
  }

  it("is all of it at once", async () => {
    const machine = { rootless: false, ownsLimits: false };
    const all = await memoryObstacles({ machine, runtimeCommand: undefined, criu: none });
    assert.equal(all.length, 4);
  });
});
