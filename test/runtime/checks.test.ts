import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Finding } from "../../src/engine/core/finding.js";
import { checkDisks } from "../../src/engine/disks/checks.js";
import { checkImages } from "../../src/engine/images/checks.js";
import { checkRuntime } from "../../src/engine/runtime/checks.js";
import { mountsBelow } from "../../src/lib/mount-table.js";
import { makeHost } from "../images/made-up-host.js";

const named = (findings: readonly Finding[], name: string) =>
  findings.find((finding) => finding.name === name);

test("a machine that runs sandboxes has what is required, and what was tried leaves nothing", async () => {
  const directory = mkdtempSync(join(tmpdir(), "tenki-checks-"));
  process.env["TMPDIR"] = directory;
  const findings = [...(await checkRuntime()), ...(await checkDisks()), ...(await checkImages())];
  assert.deepEqual(
    findings.filter(({ ok, required }) => required && !ok),
    [],
  );
  assert.equal(named(findings, "disk quota")?.ok, true);
  assert.equal(named(findings, "pausing")?.ok, true);
  assert.deepEqual(await mountsBelow(directory), []);
  assert.deepEqual(readdirSync(directory), []);
  delete process.env["TMPDIR"];
  rmSync(directory, { recursive: true });
});

test("a runtime that is not there is a finding with a hint", async () => {
  const finding = named(await checkRuntime({ ociRuntime: "no-such-runtime" }), "oci runtime");
  assert.equal(finding?.ok, false);
  assert.equal(finding?.required, true);
  assert.match(finding?.detail ?? "", /no-such-runtime/);
  assert.match(finding?.hint ?? "", /--oci-runtime/);
});

test("a system without sudo gives an image without it", async () => {
  const host = makeHost();
  const findings = await checkImages(host);
  assert.deepEqual(
    findings.map(({ name, ok, required }) => [name, ok, required]),
    [
      ["merged /usr", true, true],
      ["sudo", false, false],
      ["packages", true, false],
    ],
  );
  rmSync(host, { recursive: true });
});
