import assert from "node:assert/strict";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { tryProcess } from "../../src/lib/process.js";

/** A file that breaks an arrow, and a word of what the rule says about it. */
const broken: readonly (readonly [file: string, imported: string, says: RegExp])[] = [
  ["src/domain/a.ts", "../lib/process.js", /domain imports nothing/],
  ["src/domain/b.ts", "node:fs", /domain imports nothing/],
  ["src/lib/a.ts", "../domain/error.js", /lib holds leaves/],
  ["src/client/a.ts", "../engine/core/files.js", /knows neither the command line nor the engine/],
  ["src/client/b.ts", "../cli/io.js", /knows neither the command line nor the engine/],
  ["src/client/c.ts", "commander", /never prints/],
  ["src/cli/commands/sandbox/a.ts", "../../../engine/core/files.js", /reached through the client/],
  ["src/cli/a.ts", "../gen/tenki/sandbox/v1/sandbox_pb.js", /reached through the client/],
  ["src/cli/b.ts", "@connectrpc/connect", /reached through the client/],
  ["src/engine/core/a.ts", "../store/sqlite-store.js", /core → domain, lib and its own ports/],
  ["src/engine/core/b.ts", "../../gen/tenki/sandbox/v1/sandbox_pb.js", /core → domain/],
  ["src/engine/core/c.ts", "node:fs/promises", /no processes, no files/],
  ["src/engine/services/a.ts", "../network/veth-network.js", /reached through core's ports/],
  ["src/engine/store/a.ts", "../disks/loop-disks.js", /never another adapter/],
  ["src/engine/runtime/a.ts", "../network/veth-network.js", /never another adapter/],
  ["src/engine/network/a.ts", "../runtime/oci-runtime.js", /never another adapter/],
  ["src/engine/outputs/a.ts", "../store/sqlite-store.js", /never another adapter/],
  ["src/engine/core/d.ts", "../outputs/disk-output-logs.js", /core → domain, lib and its own ports/],
  ["src/engine/services/b.ts", "../outputs/disk-output-logs.js", /reached through core's ports/],
  ["src/engine/core/e.ts", "../openssh/openssh-keys.js", /core → domain, lib and its own ports/],
  ["src/engine/openssh/a.ts", "../runtime/oci-runtime.js", /never another adapter/],
  ["src/engine/doors/a.ts", "../runtime/oci-runtime.js", /never another adapter/],
  ["src/engine/services/c.ts", "../doors/loopback-doors.js", /reached through core's ports/],
  ["src/engine/disks/a.ts", "../store/sqlite-store.js", /never another adapter/],
];

describe("the arrows between rooms", () => {
  let house: string;
  before(async () => {
    house = await mkdtemp(join(tmpdir(), "tenki-house-"));
    await copyFile(".oxlintrc.json", join(house, ".oxlintrc.json"));
  });
  after(() => rm(house, { recursive: true }));

  for (const [file, imported, says] of broken) {
    it(`${file} may not import ${imported}`, async () => {
      const path = join(house, file);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, `export { a } from ${JSON.stringify(imported)};\n`);
      const { exitCode, stdout } = await tryProcess([resolve("node_modules/.bin/oxlint"), file], {
        cwd: house,
      });
      assert.notEqual(exitCode, 0, "the lint rule let it through");
      assert.match(stdout, says);
    });
  }

  it("lets what is allowed through", async () => {
    const path = join(house, "src/engine/core/fine.ts");
    await mkdir(dirname(path), { recursive: true });
    await writeFile(
      path,
      `export type { Runtime } from "./ports/runtime.js";\nexport { TenkiError } from "../../domain/error.js";\n`,
    );
    const { stdout, exitCode } = await tryProcess(
      [resolve("node_modules/.bin/oxlint"), "src/engine/core/fine.ts"],
      { cwd: house },
    );
    assert.equal(exitCode, 0, stdout);
  });
});
