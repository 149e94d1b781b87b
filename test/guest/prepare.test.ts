import assert from "node:assert/strict";
import { lstatSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, test } from "node:test";
import { GuestSandbox } from "./support/guest-sandbox.js";
import { neverAborts, shell } from "./support/run-in.js";

let sandbox: GuestSandbox;
beforeEach(async () => {
  sandbox = await GuestSandbox.start();
});
afterEach(() => sandbox.stop());

const asRoot = { privileged: true, cwd: "/" };

test("files are written as root with their parents and modes, over what is there", async () => {
  await shell(
    sandbox,
    "echo old > /mnt/old; ln -s /mnt/nowhere/stub /mnt/link; touch /mnt/mounted; mount --bind /mnt/old /mnt/mounted",
    asRoot,
  );
  await sandbox.link.prepare(
    [
      { path: "/mnt/etc/deep/hosts", content: "127.0.0.1 localhost\n", mode: 0o644 },
      { path: "/mnt/old", content: "new ü\0\n", mode: 0o600 },
      { path: "/mnt/link", content: "nameserver\n", mode: 0o444 },
      { path: "/mnt/mounted", content: "through\n", mode: 0o644 },
      { path: "/mnt/secret", content: "tk", mode: 0o400, owner: "user" },
    ],
    neverAborts(),
  );
  const read = (path: string): string => readFileSync(sandbox.path(path), "utf8");
  assert.equal(read("/mnt/etc/deep/hosts"), "127.0.0.1 localhost\n");
  assert.equal(read("/mnt/old"), "new ü\0\n");
  assert.equal(read("/mnt/mounted"), "through\n");
  const link = lstatSync(sandbox.path("/mnt/link"));
  assert.deepEqual([link.isFile(), link.mode & 0o777, link.uid], [true, 0o444, 0]);
  assert.equal(lstatSync(sandbox.path("/mnt/old")).mode & 0o777, 0o600);
  assert.equal(lstatSync(sandbox.path("/mnt/etc/deep")).mode & 0o777, 0o755);
  const secret = lstatSync(sandbox.path("/mnt/secret"));
  assert.deepEqual([secret.mode & 0o777, secret.uid, secret.gid], [0o400, 1000, 1000]);
});

test("the home directory is made, is tenki's, and has the profile files of the image", async () => {
  await shell(
    sandbox,
    "rm -rf /home/tenki; mount -t tmpfs skel /etc/skel; echo rc > /etc/skel/.bashrc; echo p > /etc/skel/.profile",
    asRoot,
  );
  await sandbox.link.prepare([], neverAborts());
  const { stdout } = await shell(sandbox, "stat -c '%n %u:%g %a' . .bashrc .profile; cat .bashrc .profile");
  assert.equal(stdout, ". 1000:1000 755\n.bashrc 1000:1000 644\n.profile 1000:1000 644\nrc\np\n");
});

test("a home directory with something in it is left as it is", async () => {
  await shell(sandbox, "echo mine > .bashrc");
  await sandbox.link.prepare([], neverAborts());
  assert.equal((await shell(sandbox, "ls -A; cat .bashrc")).stdout, ".bashrc\nmine\n");
});

test("what cannot be written fails, and pid 1 serves on", async () => {
  const file = { path: "/proc/nowhere/file", content: "", mode: 0o644 };
  await assert.rejects(sandbox.link.prepare([file], neverAborts()), { kind: "not_found" });
  await sandbox.link.ping(neverAborts());
});
