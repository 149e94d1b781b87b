import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, afterEach, beforeEach, test } from "node:test";
import { createHostImages } from "../../src/engine/images/host-images.js";
import { silentLogger } from "../../src/lib/logger.js";
import { makeHost } from "./made-up-host.js";

const host = makeHost();
after(() => rmSync(host, { recursive: true }));
let dataDir: string;
beforeEach(() => (dataDir = mkdtempSync(join(tmpdir(), "tenki-images-"))));
afterEach(() => rmSync(dataDir, { recursive: true }));

const newImages = () => createHostImages({ dataDir, log: silentLogger, hostRoot: host });
const built = () => readdirSync(join(dataDir, "images"));
const rootOf = async (images = newImages()) =>
  (await images.resolve("sandbox")).mounts[0]?.lowerDirectories[0] ?? "";

test("the sandbox image: a root of its own, and the host's /usr over it", async () => {
  const { name, mounts } = await newImages().resolve("");
  assert.equal(name, "sandbox");
  assert.deepEqual(
    mounts.map(({ target }) => target),
    ["/", "/usr"],
  );
  assert.deepEqual(mounts[1]?.lowerDirectories, [join(host, "usr")]);
  assert.ok(existsSync(join(mounts[0]?.lowerDirectories[0] ?? "", "etc/passwd")));
});

test("another image is not known", async () => {
  await assert.rejects(newImages().resolve("ubuntu"), {
    kind: "not_found",
    message: "registry image not found: ubuntu",
  });
});

test("it is built once, for callers at the same time and for later engines", async () => {
  const images = newImages();
  const roots = await Promise.all([rootOf(images), rootOf(images), rootOf(images)]);
  assert.equal(new Set(roots).size, 1);
  const [root] = roots;
  const { ino } = statSync(root);
  assert.equal(await rootOf(), root);
  assert.equal(statSync(root).ino, ino);
  assert.equal(built().length, 1);
});

test("a package more on the host makes a new one; the old one goes when the next engine starts", async () => {
  const images = newImages();
  const old = await rootOf(images);
  appendFileSync(join(host, "var/lib/dpkg/status"), "Package: more\n");
  const root = await rootOf(images);
  assert.notEqual(root, old);
  assert.ok(existsSync(old), "somebody of this engine may be about to mount it");
  mkdirSync(join(dataDir, "images", ".building-left-by-a-killed-one"));
  assert.equal(await rootOf(), root);
  assert.deepEqual(built(), [basename(dirname(root))]);
});

test("an old one that a sandbox still stands on stays", async () => {
  const old = await rootOf();
  const mountPoint = mkdtempSync(join(tmpdir(), "tenki-user-"));
  const script = 'mount -t overlay -o "lowerdir=$1:/usr" overlay "$2"; echo mounted; exec cat';
  const argv = ["--mount", "sh", "-euc", script, "sh", old, mountPoint];
  const holder = spawn("unshare", argv, { stdio: ["pipe", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  appendFileSync(join(host, "var/lib/dpkg/status"), "Package: another\n");
  await rootOf();
  assert.equal(built().length, 2);
  holder.stdin.end();
  await once(holder, "exit");
  await rootOf();
  assert.equal(built().length, 1);
  rmSync(mountPoint, { recursive: true });
});

test("a build that fails leaves nothing", async () => {
  const broken = makeHost();
  rmSync(join(broken, "etc/passwd"));
  const images = createHostImages({ dataDir, log: silentLogger, hostRoot: broken });
  await assert.rejects(images.resolve("sandbox"));
  assert.deepEqual(built(), []);
  rmSync(broken, { recursive: true });
});
