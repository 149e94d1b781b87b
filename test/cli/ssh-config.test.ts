import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { assertGolden } from "./support/golden.js";
import { type Outcome, TestWorld } from "./support/test-io.js";

/** Configs as people have them: each has something that a parser would lay out anew, or refuse. */
const configs: Readonly<Record<string, string>> = {
  plain: "Host a\n  User bob\n",
  empty: "",
  "without a line feed at its end": "Host a\n  User bob",
  "with DOS line ends": "Host a\r\n\tUser bob\r\n",
  "with odd white space": "\n\n  # mine\nHost=a  \n\tUser   =  bob \t\n\n\n",
  "with comments behind": 'Host a # the first\n  IdentityFile "~/my key"\n#end',
  "that is no text": "# caf\xe9 \xff\xfe\nHost a\n  User bob\n",
  "with settings before any host": "User carol\nServerAliveInterval 5\nHost a\n  User bob\n",
  "with what no parser takes": 'Host a\n  SetEnv X="unterminated\n  User bob\n',
  "with an include and a match":
    'Include other.d/*\nMatch host b exec "true"\n  User eve\nHost *\n  User z\n',
};

describe("ssh config", () => {
  let world: TestWorld;
  let path: string;
  beforeEach(async () => {
    world = await TestWorld.open();
    path = join(world.home, ".ssh", "config");
    await mkdir(join(world.home, ".ssh"), { mode: 0o700 });
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const config = (...args: string[]) => world.call(["sandbox", "ssh", "config", ...args]);
  const status = () => world.json<Record<string, unknown>>(["sandbox", "ssh", "config", "status"]);
  const included = () => join(world.home, ".config", "tenki", "ssh", "config");
  const bytes = () => readFile(path, "latin1");
  async function install(...flags: string[]): Promise<void> {
    assert.equal((await config("install", ...flags)).code, 0);
  }
  /** What ssh makes of the config, for one host; other files are not read. */
  const sshSees = (host: string): Record<string, string> =>
    Object.fromEntries(
      execFileSync("ssh", ["-F", path, "-G", host], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
        .split("\n")
        .map((line) => [line.split(" ")[0] ?? "", line.slice(line.indexOf(" ") + 1)]),
    );

  describe("keeps every byte of a config", () => {
    for (const [name, text] of Object.entries(configs)) {
      it(name, async () => {
        await writeFile(path, text, "latin1");
        await install();
        const after = await bytes();
        assert.ok(after.endsWith(text));
        assert.equal(await readFile(`${path}.before-tenki`, "latin1"), text);
        await install();
        assert.equal(await bytes(), after, "a second time");
        assert.equal((await config("uninstall")).code, 0);
        assert.equal(await bytes(), text);
        assert.deepEqual(await readdir(join(world.home, ".ssh")), ["config"]);
      });
    }
  });

  it("tells ssh how to reach sessions, and nothing about anything else", async () => {
    await writeFile(path, "User carol\nHost a\n  User bob\nHost *\n  User zed\n  ProxyCommand nothing\n");
    const before = sshSees("a");
    await install();
    assert.deepEqual(sshSees("a"), before);
    const seen = sshSees("sbx-demo");
    const kept = join(world.home, ".config", "tenki");
    assert.equal(seen["user"], "tenki");
    assert.equal(seen["proxycommand"], "node tenki sandbox ssh-proxy --host '%n'");
    assert.equal(seen["identityfile"], join(kept, "ssh", "id_ed25519"));
    assert.equal(seen["certificatefile"], join(kept, "ssh-certs", "%n", "id_ed25519-cert.pub"));
    assert.equal(seen["userknownhostsfile"], join(kept, "ssh-certs", "sbx-demo", "known_hosts"));
    assert.deepEqual([seen["stricthostkeychecking"], seen["identitiesonly"]], ["true", "yes"]);
  });

  it("makes the file, and takes it away again", async () => {
    await install();
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    await config("uninstall");
    assert.deepEqual(await readdir(join(world.home, ".ssh")), []);
    await install();
    await writeFile(path, `${await bytes()}Host mine\n`);
    await config("uninstall");
    assert.equal(await bytes(), "Host mine\n");
  });

  it("keeps a link, and the mode of what it leads to", async () => {
    const target = join(world.home, "dotfiles");
    await writeFile(target, configs["plain"] ?? "");
    await chmod(target, 0o640);
    await symlink(target, path);
    await install();
    assert.ok((await lstat(path)).isSymbolicLink());
    assert.equal((await stat(target)).mode & 0o777, 0o640);
    await config("uninstall");
    assert.equal(await readFile(target, "utf8"), configs["plain"]);
  });

  it("is written once, however many begin at once", async () => {
    await writeFile(path, "Host a\n");
    await Promise.all(Array.from({ length: 5 }, () => install()));
    assert.equal((await bytes()).match(/^Include/gm)?.length, 1);
  });

  it("says what is installed, whether it is up to date, and which tenki it calls", async () => {
    assert.deepEqual(await status(), {
      ...{ state: "NOT_INSTALLED", config_file: path, included_file: included() },
      ...{ tenki: null, tenki_is_this_one: null },
    });
    await install();
    assert.deepEqual(await status(), {
      ...{ state: "CURRENT", config_file: path, included_file: included() },
      ...{ tenki: "node tenki", tenki_is_this_one: true },
    });
    const { stdout } = await config("status");
    assertGolden("ssh-config-status.txt", stdout.replaceAll(world.home, "HOME"));
  });

  it("is out of date where another tenki wrote it, and is written anew", async () => {
    await install();
    const current = await readFile(included(), "utf8");
    const body = current.slice(current.indexOf("\n\n") + 1).replaceAll("node tenki", "/old/tenki");
    const { createHash } = await import("node:crypto");
    const print = createHash("sha256").update(body).digest("hex");
    await writeFile(included(), `# an old tenki's words\n# sha256:${print}\n${body}`);
    const { state, tenki, tenki_is_this_one: isThis } = await status();
    assert.deepEqual([state, tenki, isThis], ["OUTDATED", "/old/tenki", false]);
    await install();
    assert.equal(await readFile(included(), "utf8"), current);
  });

  it("is out of date where it was moved behind a host, which it would belong to", async () => {
    await install();
    const block = await bytes();
    await writeFile(path, `# mine\n${block}Host a\n`);
    assert.equal((await status())["state"], "CURRENT");
    await writeFile(path, `Host a\n  User bob\n${block}`);
    assert.equal((await status())["state"], "OUTDATED");
    await install();
    assert.match(await bytes(), /^# >>> tenki >>>/);
    assert.equal(sshSees("sbx-demo")["user"], "tenki");
  });

  describe("leaves alone what somebody has edited, and says so:", () => {
    const edits: Readonly<Record<string, () => Promise<void>>> = {
      "edited-block": async () => writeFile(path, (await bytes()).replace("Include", "  User me\nInclude")),
      "edited-block-without-end": async () => writeFile(path, (await bytes()).replace(/# <<<.*\n/, "")),
      "edited-included-file": async () =>
        writeFile(included(), (await readFile(included(), "utf8")).replace("User tenki", "User root")),
    };
    for (const [name, edit] of Object.entries(edits)) {
      it(name, async () => {
        await writeFile(path, "Host a\n");
        await install();
        await edit();
        const before = [await bytes(), await readFile(included(), "utf8")];
        for (const verb of ["install", "uninstall"]) check(name, await config(verb));
        assert.deepEqual([await bytes(), await readFile(included(), "utf8")], before);
        assert.equal((await status())["state"], "EDITED");
        await install("--force");
        assert.equal((await status())["state"], "CURRENT");
      });
    }
  });

  describe("says what is wrong:", () => {
    it("config-is-directory", async () => {
      await mkdir(path);
      check("config-is-directory", await config("install"));
    });
    it("config-link-to-nothing", async () => {
      await symlink(join(world.home, "nowhere"), path);
      check("config-link-to-nothing", await config("install"));
    });
    it("config-unreadable", async () => {
      await writeFile(path, "Host a\n", { mode: 0 });
      // Root reads everything, unless it is forbidden.
      const asUser =
        process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] : [];
      const words = [
        ...asUser,
        process.execPath,
        resolve("bin/tenki"),
        "sandbox",
        "ssh",
        "config",
        "install",
      ];
      const [program = "", ...args] = words;
      const { status: code, stdout, stderr } = spawnSync(program, args, { env: world.env, encoding: "utf8" });
      check("config-unreadable", { code: code ?? -1, stdout, stderr });
      await chmod(path, 0o600);
      assert.equal(await bytes(), "Host a\n");
    });
    it("config-unknown-verb", async () => check("config-unknown-verb", await config("instal")));
  });

  it("takes another file than the user's", async () => {
    const { code, stderr } = await config("install", "--file", "other");
    assert.deepEqual(
      [code, stderr],
      [0, `ssh finds sessions as sbx-<id> and sbx-<name> (${join(world.home, "other")})\n`],
    );
    assert.deepEqual(await readdir(join(world.home, ".ssh")), []);
  });

  function check(name: string, { code, stdout, stderr }: Outcome): void {
    assert.equal(stdout, "");
    assertGolden(`ssh/${name}.txt`, `exit code ${code}\n${stderr.replaceAll(world.home, "HOME")}`);
  }
});
