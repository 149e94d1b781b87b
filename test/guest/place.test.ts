import assert from "node:assert/strict";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { GuestSandbox } from "./support/guest-sandbox.js";
import { neverAborts, shell } from "./support/run-in.js";

let sandbox: GuestSandbox;
before(async () => {
  sandbox = await GuestSandbox.start();
});
after(() => sandbox.stop());

const place = (path: string, content: string, mode = 0o600) =>
  sandbox.link.place([{ path, content, mode }], neverAborts());

test("files are replaced as root at any time, and the home directory is left alone", async () => {
  await shell(sandbox, "chmod 700 /home/tenki");
  await place("/mnt/ssh/key", "first");
  const before_ = lstatSync(sandbox.path("/mnt/ssh/key"));
  await place("/mnt/ssh/key", "second", 0o644);
  const after_ = lstatSync(sandbox.path("/mnt/ssh/key"));
  assert.equal(readFileSync(sandbox.path("/mnt/ssh/key"), "utf8"), "second");
  assert.deepEqual([before_.mode & 0o777, after_.mode & 0o777, after_.uid], [0o600, 0o644, 0]);
  assert.equal(lstatSync(sandbox.path("/home/tenki")).mode & 0o777, 0o700);
});

test("who reads one sees the old or the new, whoever replaces it meanwhile", async () => {
  const [a, b] = ["a", "b"].map((letter) => letter.repeat(100_000));
  await place("/mnt/whole", a ?? "", 0o644);
  const reading = shell(
    sandbox,
    "for i in $(seq 200); do tr -d '\\n' < /mnt/whole | sed 's/^a*$/whole/; s/^b*$/whole/'; echo; done",
  );
  for (let round = 0; round < 20; round += 1)
    await Promise.all([place("/mnt/whole", a ?? "", 0o644), place("/mnt/whole", b ?? "", 0o644)]);
  const { stdout } = await reading;
  assert.deepEqual([...new Set(stdout.trim().split("\n"))], ["whole"]);
  assert.deepEqual(
    readdirSync(sandbox.path("/mnt")).filter((name) => name.startsWith("whole.")),
    [],
    "drafts are left",
  );
});

test("what cannot be replaced fails, leaves no draft, and pid 1 serves on", async () => {
  await shell(sandbox, "mkdir -p /mnt/full/file", { privileged: true, cwd: "/" });
  await assert.rejects(place("/mnt/full", "x"));
  assert.deepEqual(
    readdirSync(sandbox.path("/mnt")).filter((name) => name.startsWith("full.")),
    [],
  );
  assert.equal((await shell(sandbox, "echo on")).stdout, "on\n");
});
