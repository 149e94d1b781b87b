import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Readable } from "node:stream";
import type { Storage } from "../../src/engine/disks/loop-storage.js";
import { prepareOverlays } from "../../src/engine/runtime/overlay.js";
import { runProcess } from "../../src/lib/process.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { MiB, StorageBench } from "./support/storage-bench.js";

const work = mkdtempSync(join(tmpdir(), "tenki-export-"));
const lower = join(work, "lower");
const lowerUsr = join(work, "lower-usr");
const mounts = [
  { target: "/", lowerDirectories: [lower] },
  { target: "/usr", lowerDirectories: [lowerUsr] },
];
const never = new AbortController().signal;
const longName = `${"n".repeat(120)}-é`;
let bench: StorageBench;
let storage: Storage;

/** What a guest does to an image, through the overlays that it has. */
const script = `
set -eu
echo new > etc/new; echo changed > etc/changed; rm etc/removed
rm -r etc/replaced; mkdir etc/replaced; echo other > etc/replaced/other
mv etc/moved etc/elsewhere; echo added > etc/elsewhere/added; rm etc/elsewhere/gone
mkdir "etc/${longName}"; echo deep > "etc/${longName}/${longName}"
rm -r "etc/long-${longName}"
ln etc/new etc/hard; ln -s /etc/shadow etc/link; mkfifo etc/pipe
printf 'a\\nb' > "etc/with
newline"; echo dash > etc/--checkpoint-action=exec=false
chown 1234:2345 etc/new; chmod 4750 etc/changed
echo early > etc/early; chown 3000000:4000000 etc/early; touch --date=@-1.5 etc/early
rm usr/bin/tool; echo lib > usr/lib/lib
`;

const deepScript = `
set -eu
echo new > etc/new; cd etc; etc=$PWD; name=$(printf 'd%.0s' {1..255})
for i in {1..300}; do mkdir "$name"; cd "$name"; done
echo deep > one; ln one other; ln -s /etc/shadow link
mv "$etc/far" far; echo added > far/added; rm far/gone
`;

before(async () => {
  for (const directory of ["etc/replaced", "etc/moved", "usr"])
    mkdirSync(join(lower, directory), { recursive: true });
  for (const directory of ["bin", "lib"]) mkdirSync(join(lowerUsr, directory), { recursive: true });
  mkdirSync(join(lower, "etc/far"));
  for (const name of [
    "changed",
    "removed",
    "replaced/old",
    "moved/kept",
    "moved/gone",
    "untouched",
    "far/kept",
    "far/gone",
  ]) {
    writeFileSync(join(lower, "etc", name), `lower ${name}`);
  }
  mkdirSync(join(lower, "etc", `long-${longName}`));
  for (const name of ["bin/tool", "bin/kept"]) writeFileSync(join(lowerUsr, name), name);
  bench = await StorageBench.open({ mounts });
  storage = await bench.start();
  await takeAfter("s", script);
});
after(async () => {
  await bench.close();
  rmSync(work, { recursive: true });
});

/** A snapshot of a disk on which the image was changed so. */
async function takeAfter(id: string, script: string): Promise<void> {
  const disk = await storage.disks.allocate(64 * MiB);
  const root = mkdtempSync(join(work, "root-"));
  const overlays = await prepareOverlays(mounts, disk.directory, root, false);
  for (const { target, options } of overlays)
    await runProcess(["mount", "-t", "overlay", "-o", options, "overlay", target]);
  try {
    await runProcess(["bash", "-c", script], { cwd: root });
  } finally {
    for (const { target } of overlays.toReversed()) await runProcess(["umount", target]);
  }
  await storage.snapshots.take(id, disk.handle);
}

async function save(stream: Readable): Promise<string> {
  const file = join(work, "layer.tar");
  const blocks: Buffer[] = [];
  for await (const block of stream) blocks.push(block as Buffer);
  writeFileSync(file, Buffer.concat(blocks));
  return file;
}

test("a layer has what differs from the image, and tells what was removed as OCI says", async () => {
  const file = await save(await storage.snapshots.export("s", never));
  const listed = (
    await runProcess(["tar", "--list", "--quoting-style=literal", "--null", "--file", file])
  ).split("\n");
  const names = new Set(listed.join("\n").split(/\n|\0/));
  for (const name of [
    "etc/.wh.removed",
    "etc/replaced/.wh..wh..opq",
    "usr/bin/.wh.tool",
    `etc/.wh.long-${longName}`,
  ]) {
    assert.ok(names.has(name), `${name} is missing of ${[...names].join(" ")}`);
  }
  for (const name of ["etc/untouched", "usr/bin/kept", "root/etc/new", "etc/removed"])
    assert.ok(!names.has(name), name);
  const out = join(work, "out");
  mkdirSync(out);
  await runProcess(["tar", "--extract", "--file", file, "--directory", out]);
  const content = (name: string) => readFileSync(join(out, name), "utf8");
  assert.equal(content("etc/new"), "new\n");
  assert.equal(content("etc/changed"), "changed\n");
  assert.equal(content("etc/replaced/other"), "other\n");
  assert.equal(content("usr/lib/lib"), "lib\n");
  assert.equal(content(`etc/${longName}/${longName}`), "deep\n");
  assert.equal(content("etc/with\nnewline"), "a\nb");
  assert.equal(content("etc/--checkpoint-action=exec=false"), "dash\n");
  const stat = (format: string, name: string) => runProcess(["stat", `--format=${format}`, join(out, name)]);
  assert.equal(await stat("%u:%g %h", "etc/new"), "1234:2345 2\n");
  assert.equal(await stat("%a", "etc/changed"), "4750\n");
  assert.equal(await stat("%F", "etc/pipe"), "fifo\n");
  assert.equal(await stat("%u:%g %.Y", "etc/early"), "3000000:4000000 -1.500000000\n");
  assert.equal(await runProcess(["readlink", join(out, "etc/link")]), "/etc/shadow\n");
});

test("a directory of the image that has another name now is there as a whole", async () => {
  const file = await save(await storage.snapshots.export("s", never));
  const listed = (await runProcess(["tar", "--list", "--file", file])).split("\n");
  const below = listed.filter((name) => name.startsWith("etc/elsewhere") || name.startsWith("etc/.wh.moved"));
  assert.deepEqual(below.sort(), [
    "etc/.wh.moved",
    "etc/elsewhere/",
    "etc/elsewhere/.wh..wh..opq",
    "etc/elsewhere/added",
    "etc/elsewhere/kept",
  ]);
});

test("a layer goes down deeper than a path can say", async () => {
  await takeAfter("deep", deepScript);
  const file = await save(await storage.snapshots.export("deep", never));
  const tar = (...words: string[]) =>
    execFileSync("tar", ["--file", file, ...words], { encoding: "utf8", maxBuffer: 64 * MiB });
  const listed = tar("--list").split("\n");
  const bottom = `etc/${`${"d".repeat(255)}/`.repeat(300)}`;
  const below = listed.filter((name) => name.startsWith(bottom)).map((name) => name.slice(bottom.length));
  assert.deepEqual(below.sort(), [
    "",
    "far/",
    "far/.wh..wh..opq",
    "far/added",
    "far/kept",
    "link",
    "one",
    "other",
  ]);
  const verbose = tar("--list", "--verbose");
  const [one, other] = [`${bottom}one`, `${bottom}other`];
  assert.ok(verbose.includes(` ${one} link to ${other}\n`) || verbose.includes(` ${other} link to ${one}\n`));
  assert.ok(verbose.includes(` ${bottom}link -> /etc/shadow\n`));
  assert.equal(tar("--extract", "--to-stdout", `${bottom}far/kept`), "lower far/kept");
  assert.equal(tar("--extract", "--to-stdout", "etc/new"), "new\n");
});

test("whoever stops reading leaves nothing mounted, nor does the engine's end", async () => {
  const { disks, snapshots } = storage;
  const large = await disks.allocate(256 * MiB, "s");
  mkdirSync(join(large.directory, "root/big"));
  await runProcess(["dd", "if=/dev/urandom", `of=${large.directory}/root/big/file`, "bs=1M", "count=64"]);
  await snapshots.take("big", large.handle);
  const exported = async () => (await bench.mounts()).filter((path) => path.includes("/exports/"));
  const nothing = () =>
    waitUntil(async () => ((await exported()).length === 0 ? true : undefined), { timeoutMs: 10_000 });
  for (const leave of [
    (stream: Readable) => void stream.destroy(),
    async (stream: Readable) => void (await stream[Symbol.asyncIterator]().next(), stream.destroy()),
  ]) {
    const stream = await snapshots.export("big", never);
    stream.on("error", () => undefined);
    assert.equal((await exported()).length, 1);
    await leave(stream);
    assert.equal(await nothing(), true);
  }
  const abort = new AbortController();
  const stream = await snapshots.export("big", abort.signal);
  const reading = save(stream);
  abort.abort();
  await assert.rejects(reading);
  assert.equal(await nothing(), true);
  const whole = await save(await snapshots.export("big", never));
  assert.deepEqual(await exported(), [], "it is unmounted when it has ended");
  assert.ok(readFileSync(whole).length > 64 * MiB);
});
