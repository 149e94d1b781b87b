import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { SshCertificate } from "../../src/engine/core/ports/ssh-keys.js";
import { OpensshKeys } from "../../src/engine/openssh/openssh-keys.js";
import { runProcess } from "../../src/lib/process.js";

let root: string;
before(() => void (root = mkdtempSync(join(tmpdir(), "tenki-openssh-"))));
after(() => rmSync(root, { recursive: true, force: true }));

let made = 0;
const newDataDir = () => {
  made += 1;
  const dataDir = join(root, String(made));
  mkdirSync(dataDir);
  return dataDir;
};

async function publicKey(...kind: readonly string[]): Promise<string> {
  const path = join(newDataDir(), "key");
  await runProcess(["ssh-keygen", "-q", "-N", "", "-C", "me", "-f", path, ...kind]);
  return readFileSync(`${path}.pub`, "utf8").split(" ").slice(0, 2).join(" ");
}

const certificate = (key: string): SshCertificate => ({
  publicKey: key,
  keyId: "some-session",
  serial: "9223372036854775807",
  principals: ["tenki", "session-a"],
  validFrom: new Date("2026-01-02T03:04:05Z"),
  validUntil: new Date("2026-01-02T04:04:05Z"),
  extensions: ["permit-pty"],
});

/** What OpenSSH reads in it. */
async function inspect(text: string): Promise<string> {
  const path = join(newDataDir(), "cert.pub");
  writeFileSync(path, text);
  return runProcess(["ssh-keygen", "-L", "-f", path], { env: { ...process.env, TZ: "UTC" } });
}

for (const kind of [
  ["-t", "ed25519"],
  ["-t", "rsa", "-b", "2048"],
  ["-t", "ecdsa", "-b", "384"],
]) {
  test(`signs a key of ${kind.join(" ")}`, async () => {
    const keys = new OpensshKeys({ dataDir: newDataDir() });
    const signed = await keys.sign(certificate(await publicKey(...kind)));
    assert.equal(signed.split("\n").length, 1);
    const seen = await inspect(signed);
    assert.match(seen, /user certificate/);
    assert.match(seen, /Key ID: "some-session"/);
    assert.match(seen, /Serial: 9223372036854775807/);
    assert.match(seen, /Valid: from 2026-01-02T03:04:05 to 2026-01-02T04:04:05/);
    assert.match(seen, /Principals: \n\s+tenki\n\s+session-a\n\s+Critical Options: \(none\)/);
    assert.match(seen, /Extensions: \n\s+permit-pty\n*$/);
  });
}

test("refuses what only looks like a key", async () => {
  const keys = new OpensshKeys({ dataDir: newDataDir() });
  const broken = (await publicKey("-t", "ed25519")).slice(0, -20);
  await assert.rejects(keys.sign(certificate(broken)), { kind: "invalid_argument", message: /public_key/ });
});

test("keeps its authority for itself, and over a restart", async () => {
  const dataDir = newDataDir();
  const first = await new OpensshKeys({ dataDir }).authority();
  assert.deepEqual(await new OpensshKeys({ dataDir }).authority(), first);
  const files = readdirSync(join(dataDir, "ssh"));
  assert.equal(files.length, 2, "the key, and which it is");
  for (const name of files) assert.equal(statSync(join(dataDir, "ssh", name)).mode & 0o777, 0o600);
  assert.equal(statSync(join(dataDir, "ssh")).mode & 0o777, 0o700);
});

test("asked by many at once at first, it makes one authority", async () => {
  const keys = new OpensshKeys({ dataDir: newDataDir() });
  const asked = await Promise.all([keys.authority(), keys.makePair(), keys.authority()]);
  assert.deepEqual(asked[0], asked[2]);
});

test("a new authority signs at once, the old private key is gone, and who was before is remembered", async () => {
  const dataDir = newDataDir();
  const keys = new OpensshKeys({ dataDir });
  const old = await keys.authority();
  const [before_] = readdirSync(join(dataDir, "ssh")).filter((name) => name !== "authority.json");
  const trustedUntil = new Date("2026-05-05T05:05:05Z");
  const fresh = await keys.replaceAuthority(trustedUntil);
  assert.notEqual(fresh.publicKey, old.publicKey);
  assert.deepEqual(fresh.former, [{ publicKey: old.publicKey, trustedUntil }]);
  assert.equal(readdirSync(join(dataDir, "ssh")).includes(before_ ?? ""), false);
  assert.deepEqual(await new OpensshKeys({ dataDir }).authority(), fresh, "the same after a restart");
  const seen = await inspect(await keys.sign(certificate(await publicKey("-t", "ed25519"))));
  const path = join(dataDir, "fresh.pub");
  writeFileSync(path, fresh.publicKey);
  const [, fingerprint = ""] = (await runProcess(["ssh-keygen", "-l", "-f", path])).split(" ");
  assert.ok(seen.includes(fingerprint), "not signed by the new one");
});

test("what an engine that was killed left half done is removed", async () => {
  const dataDir = newDataDir();
  const kept = await new OpensshKeys({ dataDir }).authority();
  mkdirSync(join(dataDir, "ssh", "scratch-abc"));
  writeFileSync(join(dataDir, "ssh", "scratch-abc", "key"), "secret");
  writeFileSync(join(dataDir, "ssh", "authority-half"), "secret");
  assert.deepEqual(await new OpensshKeys({ dataDir }).authority(), kept);
  assert.equal(readdirSync(join(dataDir, "ssh")).length, 2);
});

test("nothing of its work is left", async () => {
  const dataDir = newDataDir();
  const keys = new OpensshKeys({ dataDir });
  const pairs = await Promise.all([keys.makePair(), keys.makePair()]);
  assert.notEqual(pairs[0].publicKey, pairs[1].publicKey);
  assert.match(pairs[0].privateKey, /^-----BEGIN OPENSSH PRIVATE KEY-----\n/);
  assert.match(pairs[0].publicKey, /^ssh-ed25519 \S+$/);
  await keys.sign(certificate("ssh-ed25519 nonsense")).catch(() => undefined);
  assert.equal(readdirSync(join(dataDir, "ssh")).length, 2);
});
