import assert from "node:assert/strict";
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { after, before, beforeEach, describe, it } from "node:test";
import { runProcess } from "../../src/lib/process.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { goodToken, MemoryService } from "./support/memory-service.js";
import type { StoredSession } from "./support/session-table.js";
import { TestWorld } from "./support/test-io.js";

describe("files of a session", () => {
  let service: MemoryService;
  let world: TestWorld;
  let session: StoredSession;
  before(async () => {
    service = await MemoryService.start();
    world = await TestWorld.open({ TENKI_API_KEY: goodToken, TENKI_API_ENDPOINT: service.endpoint });
    await world.ok(["sandbox", "create", "--name", "demo"]);
    session = service.sessions.byName("demo");
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });
  const inside = (path: string) => join(session.root, path);
  const here = (path: string) => join(world.home, path);

  it("are written from an argument, a file and stdin", async () => {
    const told = await world.call(["sandbox", "write", "--path", "a.txt", "--data", "from data"]);
    assert.deepEqual(told, { code: 0, stdout: "", stderr: "wrote 9 bytes to a.txt\n" });
    await writeFile(here("local.bin"), Buffer.from([0, 255, 10, 13]));
    await world.ok(["sandbox", "write", "--path", "b.bin", "--data-file", "local.bin"]);
    await world.ok(["sandbox", "write", "--path", "c.txt"], { input: "from stdin" });
    await world.ok(["sandbox", "write", "demo", "--path", "d.txt", "--data-file", "-"], { input: "from -" });
    assert.equal(await readFile(inside("a.txt"), "utf8"), "from data");
    assert.deepEqual(await readFile(inside("b.bin")), Buffer.from([0, 255, 10, 13]));
    assert.equal(await readFile(inside("c.txt"), "utf8"), "from stdin");
    assert.equal(await readFile(inside("d.txt"), "utf8"), "from -");
    assert.deepEqual(await world.json(["sandbox", "write", "--path", "e", "--data", ""]), {
      path: "e",
      size_bytes: 0,
    });
  });

  it("stay as they were when their source fails half-way", async () => {
    await writeFile(inside("kept"), "old");
    const failing = Readable.from(
      (async function* () {
        yield Buffer.from("new");
        throw new Error("the disk is gone");
      })(),
    );
    const { code, stderr } = await world.call(["sandbox", "write", "--path", "kept"], { input: failing });
    assert.equal(code, 1);
    assert.match(stderr, /the disk is gone/);
    assert.equal(await readFile(inside("kept"), "utf8"), "old");
  });

  it("are read to stdout byte for byte, into a file as a whole, and as one object", async () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, at) => (at * 7) % 256));
    await writeFile(inside("large"), bytes);
    const call = world.start(["sandbox", "read", "--path", "large"]);
    assert.equal((await call.ended).code, 0);
    assert.deepEqual(call.stdout.bytes, bytes);
    await world.ok(["sandbox", "read", "--path", "large", "--out", "copy"]);
    assert.deepEqual(await readFile(here("copy")), bytes);
    await writeFile(inside("text"), "text\n");
    const object = await world.json(["sandbox", "read", "--path", "text"]);
    assert.deepEqual(object, { path: "text", size_bytes: 5, content: "text\n" });
    const binary = await world.json<{ encoding: string; content: string }>([
      "sandbox",
      "read",
      "--path",
      "large",
    ]);
    assert.equal(binary.encoding, "base64");
    assert.deepEqual(Buffer.from(binary.content, "base64"), bytes);
  });

  it("replace a local file with its mode, through a link, and write to what is no file in place", async () => {
    await writeFile(inside("new"), "new");
    await writeFile(here("target"), "old", { mode: 0o600 });
    await symlink("target", here("link"));
    await world.ok(["sandbox", "read", "--path", "new", "--out", "link"]);
    assert.equal(await readFile(here("target"), "utf8"), "new");
    assert.equal((await lstat(here("target"))).mode & 0o777, 0o600);
    assert.equal((await lstat(here("link"))).isSymbolicLink(), true);
    await world.ok(["sandbox", "read", "--path", "new", "--out", "/dev/null"]);
    assert.equal((await lstat("/dev/null")).isCharacterDevice(), true);
  });

  it("leave the local file as it was when the service goes away, and nothing beside it", async () => {
    await runProcess(["truncate", "-s", "20G", inside("endless")]);
    await mkdir(here("quiet"));
    await writeFile(here("quiet/file"), "old");
    const call = world.start(["sandbox", "read", "--path", "endless", "--out", "quiet/file"]);
    await filled(here("quiet"));
    service.dropConnections();
    assert.notEqual((await call.ended).code, 0);
    assert.deepEqual(await readdir(here("quiet")), ["file"]);
    assert.equal(await readFile(here("quiet/file"), "utf8"), "old");
  });

  it("end quietly when nobody reads them", async () => {
    const call = world.start(["sandbox", "read", "--path", "endless"]);
    await call.shows("stdout", /\0/);
    call.stdout.breakPipe();
    const { code, stderr } = await call.ended;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  });

  describe("fs", () => {
    const fs = (...args: string[]) => world.ok(["sandbox", "fs", ...args]);

    it("makes, lists, shows, moves and removes", async () => {
      await fs("mkdir", "-p", "one/two");
      await fs("mkdir", "--path", "three");
      await world.ok(["sandbox", "write", "--path", "one/file", "--data", "1"]);
      await world.ok(["sandbox", "write", "--path", "one/.hidden", "--data", "2"]);
      const names = async (...args: string[]) =>
        (await world.json<{ name: string }[]>(["sandbox", "fs", "ls", ...args])).map(({ name }) => name);
      assert.deepEqual(await names("one"), ["file", "two"]);
      assert.deepEqual(await names("--path", "one", "-a"), [".hidden", "file", "two"]);
      await fs("mv", "one/file", "three/moved");
      assert.equal(await fs("cat", "three/moved"), "1");
      assert.equal(await fs("cat", "three/moved", "one/.hidden"), "12");
      const { size, type, mode } = await world.json<Record<string, unknown>>([
        "sandbox",
        "fs",
        "stat",
        "three/moved",
      ]);
      assert.deepEqual({ size, type, mode }, { size: 1, type: "file", mode: "0644" });
      await fs("rm", "-r", "one", "three");
      assert.deepEqual(await world.json(["sandbox", "fs", "rm", "-f", "one"]), {
        paths: ["one"],
        entries_removed: 0,
      });
      assert.equal((await world.call(["sandbox", "fs", "stat", "one"])).code, 4);
    });

    it("shows a link as a link, with a name that does nothing to the terminal", async () => {
      await symlink("/etc/passwd", inside("a\u001b[2Jlink"));
      const listed = await fs("ls");
      assert.match(listed, / a\\x1b\[2Jlink$/m);
      const [entry] = (
        await world.json<{ name: string; symlink_target: string }[]>(["sandbox", "fs", "ls"])
      ).filter(({ name }) => name.startsWith("a\u001b"));
      assert.equal(entry?.name, "a\u001b[2Jlink");
      assert.match(await fs("stat", "a\u001b[2Jlink"), /^symlink_target : \/etc\/passwd$/m);
    });
  });

  it("show how far they are, where somebody looks", async () => {
    await runProcess(["truncate", "-s", "50M", inside("huge")]);
    const args = ["sandbox", "read", "--path", "huge", "--out", "seen"];
    const looked = await world.call(args, { terminal: ["stderr"] });
    assert.match(looked.stderr, /reading huge: .* of 50 MiB/);
    for (const quiet of [["-q"], ["--json"]]) {
      assert.doesNotMatch(
        (await world.call([...args, ...quiet], { terminal: ["stderr"] })).stderr,
        /reading/,
      );
    }
    assert.doesNotMatch((await world.call(args)).stderr, /reading/);
  });
});

describe("cp", () => {
  let service: MemoryService;
  let world: TestWorld;
  before(async () => {
    service = await MemoryService.start();
    world = await TestWorld.open({ TENKI_API_KEY: goodToken, TENKI_API_ENDPOINT: service.endpoint });
    await world.ok(["sandbox", "create", "--name", "other"]);
    await world.ok(["sandbox", "create", "--name", "demo"]);
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });
  let place: string;
  let name: string;
  beforeEach(async () => {
    place = await mkdtemp(join(world.home, "cp-"));
    name = place.split("/").at(-1) ?? "";
    await mkdir(inside("demo", name));
  });
  const inside = (session: string, path: string) => join(service.sessions.byName(session).root, path);
  const cp = (...args: string[]) => world.call(["sandbox", "cp", "-q", ...args], { cwd: place });
  const copied = async (...args: string[]) =>
    assert.deepEqual(await cp(...args), { code: 0, stdout: "", stderr: "" });

  async function makeTree(at: string): Promise<void> {
    await mkdir(join(at, "deep", "er"), { recursive: true });
    await writeFile(join(at, "deep", "er", "leaf"), "leaf");
    await writeFile(join(at, "run.sh"), "#!/bin/sh\n");
    await writeFile(join(at, "-n odd\nname"), "odd");
    await chmod(join(at, "run.sh"), 0o755);
    await chmod(join(at, "deep"), 0o700);
    await symlink("run.sh", join(at, "link"));
    await symlink("/nowhere/at/all", join(at, "dangling"));
  }

  /** Names, kinds, modes and contents. */
  const survey = async (at: string) =>
    (
      await runProcess([
        "sh",
        "-c",
        'cd "$1" && find . -mindepth 1 -printf "%P|%y|%m|%l\\n" | sort && find . -type f -exec sha256sum {} + | sort',
        "sh",
        at,
      ])
    ).replaceAll(at, "");

  it("copies a file in and out with its mode, under its name or another", async () => {
    await writeFile(join(place, "tool"), "content", { mode: 0o750 });
    await copied("tool", `demo:${name}/tool`);
    assert.equal((await lstat(inside("demo", `${name}/tool`))).mode & 0o777, 0o750);
    await copied("tool", `demo:${name}`);
    await copied(`demo:${name}/tool`, "back");
    await mkdir(join(place, "folder"));
    await copied(`:${name}/tool`, "folder");
    assert.equal(await readFile(join(place, "back"), "utf8"), "content");
    assert.equal((await lstat(join(place, "folder", "tool"))).mode & 0o777, 0o750);
  });

  it("copies from stdin and to stdout", async () => {
    const { code } = await world.call(["sandbox", "cp", "-", `demo:${name}/in`], { input: "typed" });
    assert.equal(code, 0);
    assert.equal(await world.ok(["sandbox", "cp", "-q", `demo:${name}/in`, "-"]), "typed");
  });

  it("copies a tree in, out, and from session to session, with modes and links", async () => {
    await makeTree(join(place, "tree"));
    await copied("-r", "tree", `demo:${name}/tree`);
    const expected = await survey(join(place, "tree"));
    assert.equal(await survey(inside("demo", `${name}/tree`)), expected);
    await copied("-r", `demo:${name}/tree`, `other:${name}`);
    assert.equal(await survey(inside("other", name)), expected);
    await copied("-r", `other:${name}`, "back");
    assert.equal(await survey(join(place, "back")), expected);
    assert.deepEqual((await readdir(place)).sort(), ["back", "tree"]);
    assert.deepEqual(await readdir(inside("demo", name)), ["tree"]);
  });

  it("copies into a directory that is there, under its name; SOURCE/. only what is in it", async () => {
    await makeTree(join(place, "tree"));
    await writeFile(inside("demo", `${name}/stays`), "");
    await copied("-r", "tree", `demo:${name}`);
    assert.equal(await survey(inside("demo", `${name}/tree`)), await survey(join(place, "tree")));
    await mkdir(join(place, "into"));
    await writeFile(join(place, "into", "stays"), "");
    await copied("-r", `demo:${name}/tree/.`, "into");
    assert.deepEqual(
      (await readdir(join(place, "into"))).sort(),
      ["-n odd\nname", "dangling", "deep", "link", "run.sh", "stays"].sort(),
    );
    await copied("-r", "tree/.", `demo:${name}`);
    assert.deepEqual((await readdir(inside("demo", name))).includes("stays"), true);
  });

  it("keeps a link a link with -r, and follows it without", async () => {
    await writeFile(join(place, "real"), "real");
    await symlink("real", join(place, "link"));
    await copied("-r", "link", `demo:${name}/link`);
    assert.equal(await readlink(inside("demo", `${name}/link`)), "real");
    await copied("link", `demo:${name}/followed`);
    assert.equal(await readFile(inside("demo", `${name}/followed`), "utf8"), "real");
    await copied("-r", `demo:${name}/link`, "back");
    assert.equal(await readlink(join(place, "back")), "real");
  });

  it("takes what begins with / or . for a path on this side, whatever colons are in it", async () => {
    await writeFile(join(place, "a:b"), "colon");
    await copied("./a:b", `demo:${name}/colon`);
    await copied(join(place, "a:b"), `demo:${name}/colon`);
    assert.equal(await readFile(inside("demo", `${name}/colon`), "utf8"), "colon");
  });

  it("copies nothing when a part cannot be read, and leaves nothing behind", async (test) => {
    if (process.getuid?.() === 0) {
      // root reads everything: a tar that fails half-way stands for it
      await writeFile(inside("demo", "tar"), '#!/bin/sh\nPATH=/usr/bin:/bin tar "$@"; exit 2\n', {
        mode: 0o755,
      });
    }
    await makeTree(inside("demo", `${name}/tree`));
    service.path = inside("demo", ".");
    test.after(() => (service.path = undefined));
    const { code, stderr } = await cp("-r", `demo:${name}/tree`, "back");
    assert.equal(code, 1);
    assert.match(stderr, /^error: tar in the session failed/);
    assert.deepEqual(await readdir(place), []);
    await makeTree(join(place, "tree"));
    assert.equal((await cp("-r", "tree", `demo:${name}/new`)).code, 1);
    assert.deepEqual(await readdir(inside("demo", name)), ["tree"]);
  });

  it("copies nothing when the service goes away half-way", async () => {
    await makeTree(inside("demo", `${name}/tree`));
    await runProcess(["truncate", "-s", "20G", inside("demo", `${name}/tree/endless`)]);
    const call = world.start(["sandbox", "cp", "-r", `demo:${name}/tree`, "back"], { cwd: place });
    await filled(place);
    service.dropConnections();
    assert.notEqual((await call.ended).code, 0);
    assert.deepEqual(await readdir(place), []);
  });

  it("lets go at Ctrl-C, and leaves nothing behind", async () => {
    await makeTree(inside("demo", `${name}/tree`));
    const input = new PassThrough();
    const call = world.start(["sandbox", "cp", "-", `demo:${name}/half`], { input });
    input.write("half");
    await entries(inside("demo", name), 2);
    call.signal("SIGINT");
    assert.equal((await call.ended).code, 130);
    await entries(inside("demo", name), 1);
  });

  describe("what a hostile session sends", () => {
    /** The session's `tar` is a program of its own, and sends what it likes. */
    async function send(archive: Buffer): Promise<{ code: number; stderr: string }> {
      const bin = inside("demo", `${name}/bin`);
      await mkdir(bin);
      await mkdir(inside("demo", `${name}/tree`));
      await writeFile(join(bin, "archive"), archive);
      await writeFile(join(bin, "tar"), `#!/bin/sh\nexec cat ${bin}/archive\n`, { mode: 0o755 });
      service.path = bin;
      try {
        return await cp("-r", `demo:${name}/tree`, "back");
      } finally {
        service.path = undefined;
      }
    }

    const refused = async (...entries: Buffer[]) => {
      await mkdir(join(place, "victim"));
      await writeFile(join(place, "victim", "file"), "untouched");
      const { code, stderr } = await send(Buffer.concat([...entries, Buffer.alloc(1_024)]));
      assert.equal(code, 1, stderr);
      assert.equal(await readFile(join(place, "victim", "file"), "utf8"), "untouched");
      assert.deepEqual(await readdir(join(place, "victim")), ["file"]);
      assert.deepEqual(await readdir(place), ["victim"]);
    };

    it("cannot climb out by its names", () =>
      refused(entry("./tree/", "5"), entry("./tree/../../../victim/file", "0", "evil")));
    it("cannot write by absolute names", () =>
      refused(entry("./tree/", "5"), entry(join(place, "victim", "file"), "0", "evil")));
    it("cannot write through a link that it sent before", () =>
      refused(
        entry("./tree/", "5"),
        entry("./tree/way", "2", "", "../../../victim"),
        entry("./tree/way/file", "0", "evil"),
      ));
    it("cannot link to what is outside", () =>
      refused(entry("./tree/", "5"), entry("./tree/hard", "1", "", join(place, "victim", "file"))));
    it("cannot make devices and pipes", () => refused(entry("./tree/", "5"), entry("./tree/pipe", "6")));
    it("cannot send another name than was asked for", () => refused(entry("./other/", "5")));

    it("cannot pass for whole when it is cut off", async () => {
      const { code, stderr } = await send(
        Buffer.concat([entry("./tree/", "5"), entry("./tree/file", "0", "half")]),
      );
      assert.equal(code, 1);
      assert.match(stderr, /cut off/);
      assert.deepEqual(await readdir(place), []);
    });

    it("cannot bring set-user-id bits", async () => {
      const tree = Buffer.concat([
        entry("./tree/", "5"),
        entry("./tree/su", "0", "x", "", "6755"),
        Buffer.alloc(1_024),
      ]);
      const { code, stderr } = await send(tree);
      assert.equal(code, 0, stderr);
      assert.equal((await lstat(join(place, "back", "su"))).mode & 0o7777, 0o755);
    });
  });
});

/** Until more than a few bytes have arrived below a directory. */
async function filled(directory: string): Promise<void> {
  const reached = await waitUntil(
    async () => {
      const found = await readdir(directory, { recursive: true }).catch(() => []);
      const infos = await Promise.all(
        found.map((path) => lstat(join(directory, path)).catch(() => undefined)),
      );
      return infos.some((info) => info?.isFile() === true && info.size > 100_000) ? true : undefined;
    },
    { timeoutMs: 10_000, intervalMs: 1 },
  );
  assert.ok(reached, `nothing arrives in ${directory}`);
}

/** Until a directory holds so many. */
async function entries(directory: string, count: number): Promise<void> {
  const reached = await waitUntil(
    async () => ((await readdir(directory)).length === count ? true : undefined),
    {
      timeoutMs: 10_000,
      intervalMs: 1,
    },
  );
  assert.ok(reached, `${directory} holds ${(await readdir(directory)).join(", ")}`);
}

/** One entry of a tar archive. */
function entry(
  path: string,
  type: string,
  content = "",
  link = "",
  mode = type === "5" ? "755" : "644",
): Buffer {
  const header = Buffer.alloc(512);
  header.write(path, 0, 100);
  header.write(`${mode.padStart(7, "0")}\0`, 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        ", 148);
  header.write(type, 156);
  header.write(link, 157, 100);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  body.write(content);
  return Buffer.concat([header, body]);
}
