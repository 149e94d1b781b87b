import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { TenkiError } from "../../src/domain/error.js";
import { selectRuntime } from "../../src/engine/runtime/select-runtime.js";
import { runProcess } from "../../src/lib/process.js";

const directory = mkdtempSync(join(tmpdir(), "tenki-select-"));
after(() => rmSync(directory, { recursive: true }));

function program(name: string, script: string): string {
  const path = join(directory, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const refusal = (message: RegExp, hint: RegExp) => (error: unknown) => {
  const { kind, message: said, hint: hinted } = error as TenkiError;
  assert.equal(kind, "failed_precondition");
  assert.match(said, message);
  assert.match(hinted ?? "", hint);
  return true;
};

test("the one that was asked for is used", async () => {
  const requested = program("mine", 'echo "mine version 3"; echo more');
  assert.deepEqual(await selectRuntime({ cgroups: "v2", requested }), {
    command: requested,
    version: "mine version 3",
  });
});

test("one that was asked for and does not work is not replaced by another", async () => {
  const broken = program("broken", "echo 'cannot find a kernel' >&2; exit 1");
  await assert.rejects(
    selectRuntime({ cgroups: "v2", requested: broken }),
    refusal(/broken does not work: cannot find a kernel$/, /--oci-runtime/),
  );
  await assert.rejects(
    selectRuntime({ cgroups: "v2", requested: "/no/such/runc" }),
    refusal(
      /^the OCI runtime \/no\/such\/runc does not work: there is no such program$/,
      /apt-get install runc/,
    ),
  );
});

test("crun is refused where it would refuse the cgroups", async () => {
  const crun = program("crun", "echo 'crun version 1.8.1'");
  await assert.rejects(
    selectRuntime({ cgroups: "hybrid", requested: crun }),
    refusal(/hybrid cgroups/, /runc/),
  );
  assert.equal((await selectRuntime({ cgroups: "v2", requested: crun })).version, "crun version 1.8.1");
});

test("without a wish, hybrid cgroups get runc", async () => {
  assert.match((await selectRuntime({ cgroups: "hybrid" })).version, /^runc version/);
});

test("a machine without any says which package brings one", async () => {
  // In a mount namespace where both programs are something that cannot be run.
  const module = fileURLToPath(new URL("../../src/engine/runtime/select-runtime.js", import.meta.url));
  const ask = `import(${JSON.stringify(module)})
    .then(({ selectRuntime }) => selectRuntime({ cgroups: "v2" }))
    .catch(({ kind, message, hint }) => console.log(JSON.stringify({ kind, message, hint })))`;
  const hide = `for name in runc crun; do path=$(PATH=$PATH:/usr/sbin:/sbin command -v $name) && mount --bind /dev/null $path; done
    exec "$@"`;
  const said = await runProcess(["unshare", "--mount", "sh", "-c", hide, "sh", process.execPath, "-e", ask]);
  assert.deepEqual(JSON.parse(said), {
    kind: "failed_precondition",
    message: "there is no OCI runtime on this machine",
    hint: "apt-get install runc",
  });
});
