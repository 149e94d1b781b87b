import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { buildSkeleton } from "../../src/engine/images/skeleton.js";
import { runProcess } from "../../src/lib/process.js";
import { makeHost, secret } from "./made-up-host.js";

const root = mkdtempSync(join(tmpdir(), "tenki-skeleton-"));
let host: string;
let mask: number;
before(async () => {
  host = makeHost();
  // An engine may have been started with any.
  mask = process.umask(0o077);
  await buildSkeleton(host, root);
});
after(() => {
  process.umask(mask);
  for (const path of [host, root]) rmSync(path, { recursive: true });
});

const read = (path: string) => readFileSync(join(root, path), "utf8");
const modeOf = (path: string) => (statSync(join(root, path)).mode & 0o7777).toString(8);

test("no secret of the host comes along, wherever it lies", async () => {
  const files = (await runProcess(["find", root, "-type", "f", "-printf", "%P\\n"])).trim().split("\n");
  assert.ok(files.length > 20);
  assert.deepEqual(
    files.filter((path) => read(path).includes(secret)),
    [],
  );
});

test("what programs need does", () => {
  assert.equal(read("etc/profile"), "PATH=/usr/bin\n");
  assert.equal(read("etc/ssl/certs/ca.pem"), "certificate\n");
  assert.equal(read("etc/skel/.bashrc"), "alias ll='ls -l'\n");
  assert.equal(read("etc/pam.d/sudo"), "@include common-auth\n");
  assert.equal(read("var/lib/dpkg/info/base.list"), "/.\n");
  assert.equal(read("etc/apt/sources.list"), "deb https://packages.example.com/debian stable main\n");
  assert.equal(readlinkSync(join(root, "etc/localtime")), "/usr/share/zoneinfo/Europe/Rome");
  assert.equal(readlinkSync(join(root, "bin")), "usr/bin");
  assert.ok(!existsSync(join(root, "lib64")), "a link that the host has not");
});

test("users: root, the system's, and tenki; nobody with a password", () => {
  assert.deepEqual(read("etc/passwd").trim().split("\n"), [
    "root:x:0:0:root:/root:/bin/bash",
    "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin",
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
    "tenki:x:1000:1000::/home/tenki:/bin/bash",
    "sshd:x:999:65534::/run/sshd:/usr/sbin/nologin",
  ]);
  assert.deepEqual(read("etc/group").trim().split("\n"), [
    "root:x:0:",
    "daemon:x:1:daemon",
    "shadow:x:42:",
    "docker:x:105:",
    "nogroup:x:65534:",
    "tenki:x:1000:",
  ]);
  for (const line of read("etc/shadow").trim().split("\n")) assert.match(line, /^[a-z]+:\*:/);
  assert.equal(statSync(join(root, "etc/shadow")).gid, 42);
});

test("rules of the host's own do not hold inside", () => {
  assert.match(read("etc/nsswitch.conf"), /^hosts: files dns$/m);
  assert.doesNotMatch(read("etc/nsswitch.conf"), /ldap/);
  assert.doesNotMatch(read("etc/pam.d/common-auth"), /ldap/);
  assert.equal(read("etc/security/limits.conf"), "");
  assert.match(read("etc/sudoers.d/tenki"), /^tenki ALL=\(ALL:ALL\) NOPASSWD: ALL$/m);
});

test("modes and owners are those of a Debian, whatever the engine's mask", () => {
  const expected = {
    "": "755",
    etc: "755",
    "etc/ssl": "755",
    "etc/pam.d": "755",
    "etc/passwd": "644",
    "etc/shadow": "640",
    "etc/sudoers": "440",
    "etc/sudoers.d/tenki": "440",
    "etc/machine-id": "444",
    root: "700",
    tmp: "1777",
    "var/tmp": "1777",
    "var/mail": "2775",
    "var/lib/dpkg/info": "755",
    "home/tenki": "755",
    usr: "755",
  };
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((path) => [path, modeOf(path)])), expected);
  assert.equal(statSync(join(root, "home/tenki")).uid, 1000);
});

test("there is nothing where there should be nothing", () => {
  for (const path of [
    "root",
    "opt",
    "srv",
    "mnt",
    "media",
    "usr",
    "proc",
    "sys",
    "dev",
    "run",
    "home/tenki",
  ]) {
    assert.deepEqual(readdirSync(join(root, path)), [], path);
  }
});

test("a system whose programs lie outside of /usr is refused", async () => {
  const split = makeHost();
  unlinkSync(join(split, "bin"));
  mkdirSync(join(split, "bin"));
  const target = mkdtempSync(join(tmpdir(), "tenki-skeleton-"));
  await assert.rejects(buildSkeleton(split, target), {
    kind: "failed_precondition",
    message: "the image sandbox needs a system whose /bin lies in /usr",
    hint: "apt-get install usrmerge",
  });
  for (const path of [split, target]) rmSync(path, { recursive: true });
});
