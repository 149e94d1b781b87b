import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runDoctor } from "../../src/engine/doctor/run-doctor.js";

describe("the doctor", () => {
  it("looks at everything that this user's engine needs, and has a hint for whatever is missing", async () => {
    const { mode, findings } = await runDoctor();
    const isRoot = process.getuid?.() === 0;
    assert.equal(mode, isRoot ? "root" : "rootless");
    const names = findings.map(({ name }) => name);
    const expected = isRoot
      ? [
          "oci runtime",
          "cgroups",
          "overlayfs",
          "seccomp",
          "disk quota",
          "disk clones",
          "network links",
          "sudo",
          "memory snapshots",
        ]
      : ["subordinate ids", "user namespaces", "delegated cgroup", "sudo", "memory snapshots"];
    for (const name of expected) assert.ok(names.includes(name), `${name} is not looked at`);
    for (const { ok, name, hint, detail } of findings) {
      assert.notEqual(detail, "", name);
      assert.ok(ok || (hint !== undefined && hint !== ""), `${name} has no hint`);
    }
  });

  it("says of a runtime that is named whether it is there", async () => {
    if (process.getuid?.() !== 0) return;
    const { findings } = await runDoctor({ ociRuntime: "no-such-runtime" });
    const runtime = findings.find(({ name }) => name === "oci runtime");
    assert.deepEqual([runtime?.ok, runtime?.required], [false, true]);
    assert.match(runtime?.detail ?? "", /no-such-runtime/);
  });
});
