import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import {
  chmod,
  copyFile,
  mkdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { residentKb } from "./support/memory.js";
import { byTenki, SshPlace } from "./support/ssh-place.js";
import { ended, type EngineStarted, launcher, Workbench } from "./support/tenki.js";

const program = join(launcher, "..", "..", "dist", "tenki-guest");
const inAnHour = () => new Date(Date.now() + 3_600_000);

/** Every login but the first goes without the command line: `tenki-guest knock` carries it. */
describe("ssh once more", () => {
  let bench: Workbench;
  let engine: EngineStarted;
  let place: SshPlace;
  let kept: string;
  let pass: string;
  let started: string;
  let id: string;
  before(async () => {
    bench = await Workbench.open();
    engine = await bench.startEngine();
    await bench.ok(["login", "--endpoint", "local"]);
    ({ id } = await bench.json<{ id: string }>(["sandbox", "create", "--name", "demo"]));
    await bench.ok(["sandbox", "ssh", "config", "install"]);
    place = new SshPlace(bench);
    kept = join(bench.home, ".config", "tenki", "ssh-certs", id);
    pass = join(kept, "pass");
    started = join(bench.home, "started");
    const note = `require("node:fs").writeFileSync(${JSON.stringify(started)}, "");`;
    await writeFile(join(bench.home, "hook.cjs"), note);
  });
  after(async () => {
    place.close();
    await bench.close();
  });

  /** Logs in; whether the command line was started for that. */
  async function startsTenki(args: readonly string[] = [`sbx-${id}`], env: Record<string, string> = {}) {
    await rm(started, { force: true });
    const { code, stdout, stderr } = await place.run("ssh", ["-F", place.config, ...args, "echo in"], {
      env: { NODE_OPTIONS: `--require=${join(bench.home, "hook.cjs")}`, ...env },
    });
    assert.deepEqual([code, stdout], [0, "in\n"], stderr);
    return existsSync(started);
  }

  /** As after a login by the command line. */
  async function keepAfresh(): Promise<void> {
    await rm(pass, { recursive: true, force: true });
    await place.ok(`sbx-${id}`, "true");
    await place.until("a pass", () => stat(pass));
  }
  beforeEach(keepAfresh); // what a test before has done to the settings spoils a pass, too

  const connect = (line: string, session = id) => place.connect(`sbx-${session}`, line);

  it("starts no command line, by the session's id and by its name", async () => {
    assert.equal(await startsTenki(), false);
    await startsTenki(["sbx-demo"]); // what the name means is known for a minute from here on
    assert.equal(await startsTenki(["sbx-demo"]), false);
  });

  it("starts none behind ssh-command's line either", async () => {
    const line = await bench.json<{ proxy_command: string }>(["sandbox", "ssh-command", "demo"]);
    const files = ["-i", join(bench.home, ".config/tenki/ssh/id_ed25519"), "-o", "StrictHostKeyChecking=yes"];
    const options = {
      ProxyCommand: line.proxy_command,
      CertificateFile: join(kept, "id_ed25519-cert.pub"),
      UserKnownHostsFile: join(kept, "known_hosts"),
    };
    const words = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
    assert.equal(await startsTenki([...files, ...words, `root@${id}`]), false);
  });

  const spoilt: Readonly<Record<string, () => Promise<unknown>>> = {
    "is not there": () => rm(pass),
    "has had its time": () => utimes(pass, new Date(), new Date()),
    "others can read": () => chmod(pass, 0o640),
    "is a link": async () => {
      await copyFile(pass, join(bench.home, "elsewhere"));
      await utimes(join(bench.home, "elsewhere"), new Date(), inAnHour());
      await rm(pass);
      await symlink(join(bench.home, "elsewhere"), pass);
    },
    "is a pipe": async () => {
      await rm(pass);
      execFileSync("mkfifo", ["-m", "600", pass]);
      await utimes(pass, new Date(), inAnHour());
    },
    "is a directory": async () => {
      await rm(pass);
      await mkdir(pass, { mode: 0o700 });
      await utimes(pass, new Date(), inAnHour());
    },
    ...Object.fromEntries(
      Object.entries({
        "is empty": () => "",
        "is cut off": (text: string) => text.slice(0, text.indexOf("GET")),
        "holds a zero byte": (text: string) => `${text}\0`,
        "is endless": (text: string) => text + "x: y\r\n".repeat(10_000),
        "names a socket that is longer than one can be": (text: string) =>
          text.replace(/^\//m, `/${"x".repeat(200)}`),
        "names a socket where nobody is": (text: string) =>
          text.replace(/^\/.*/m, `${bench.home}/engine-0123456789abcdef.sock`),
        "was made by another config file": (text: string) => text.replace(/ (?=\d+ )/, " 1"),
        "has another credential": (text: string) =>
          text.replace(/(?<=^x-tenki-session-cert: .{60})./m, (letter) => (letter === "A" ? "B" : "A")),
        "asks for another session": (text: string) =>
          text.replace(/ssh\/[0-9a-f-]+/, `ssh/${crypto.randomUUID()}`),
        "asks for something else": (text: string) => text.replace("tenki-ssh-wire", "websocket"),
      }).map(([what, change]) => [
        what,
        async () => {
          const text = await readFile(pass, "latin1");
          assert.notEqual(change(text), text);
          await writeFile(pass, change(text), "latin1");
          await utimes(pass, new Date(), inAnHour());
        },
      ]),
    ),
  };
  for (const [what, spoil] of Object.entries(spoilt)) {
    it(`goes by the command line where what was kept ${what}, and works`, async () => {
      await spoil();
      assert.equal(await startsTenki(), true);
    });
  }

  it("goes by the command line where settings were changed, or stand in the environment", async () => {
    assert.equal(await startsTenki(undefined, byTenki), true);
    assert.equal(await startsTenki(), false);
    await bench.ok(["config", "set", "gateway", "ws://127.0.0.1:1"]);
    const { code, stderr } = await place.ssh(`sbx-${id}`, "true");
    assert.equal(code, 255);
    assert.match(stderr, /^error: .*127\.0\.0\.1:1/m);
    await bench.ok(["config", "set", "gateway", ""]);
    assert.equal(await startsTenki(), true);
  });

  describe("where settings become others", () => {
    let config: string;
    let elsewhere: string;
    let before: string;
    beforeEach(async () => {
      config = join(bench.home, ".config", "tenki", "config.yaml");
      elsewhere = join(bench.home, "elsewhere.yaml");
      before = await readFile(config, "utf8");
      await writeFile(elsewhere, `${before}gateway: ws://127.0.0.1:1\n`);
    });
    afterEach(async () => {
      await rm(config);
      await writeFile(config, before, { mode: 0o600 });
    });
    const goesThere = async () =>
      assert.match((await place.ssh(`sbx-${id}`, "true")).stderr, /^error: .*127\.0\.0\.1:1/m);

    it("goes by those that a link leads to, however old they are", async () => {
      const own = join(bench.home, "own.yaml");
      await rename(config, own);
      await symlink(own, config);
      await keepAfresh();
      assert.equal(await startsTenki(), false);
      await rm(config);
      await symlink(elsewhere, config);
      await goesThere();
    });

    it("goes by those that came while the last login was made", async () => {
      const hook = join(bench.home, "change.cjs");
      const [from, to] = [elsewhere, config].map((path) => JSON.stringify(path));
      await writeFile(
        hook,
        `const promises = require("node:fs/promises"), { open } = promises;
        promises.open = (path, ...rest) => {
          if (/\\/pass\\./.test(path)) require("node:fs").renameSync(${from}, ${to});
          return open(path, ...rest);
        };`,
      );
      await rm(pass);
      const env = { NODE_OPTIONS: `--require=${hook}` };
      assert.equal((await place.run("ssh", ["-F", place.config, `sbx-${id}`, "true"], { env })).code, 0);
      assert.equal(existsSync(elsewhere), false);
      assert.equal(existsSync(pass), true);
      await goesThere();
    });
  });

  it("gets a new certificate where its time is over", async () => {
    const certificate = join(kept, "id_ed25519-cert.pub");
    const before = await readFile(certificate, "utf8");
    await utimes(certificate, new Date(), new Date(0));
    assert.equal(await startsTenki(), true);
    assert.notEqual(await readFile(certificate, "utf8"), before);
  });

  it("tells why a login is refused, and mends what can be for the next one", async () => {
    const nobody = await place.ssh(`nobody-of-that-name@sbx-${id}`, "true");
    assert.equal(nobody.code, 255);
    assert.match(
      nobody.stderr,
      /^error: the session has no such login name\nhint: log in as tenki or root$/m,
    );
    const other = await bench.json<{ id: string }>(["sandbox", "create", "--name", "other"]);
    await place.ok(`sbx-${other.id}`, "true");
    await keepAfresh();
    const [wrong, certificate] = [other.id, id].map((each) =>
      join(bench.home, ".config/tenki/ssh-certs", each, "id_ed25519-cert.pub"),
    ) as [string, string];
    await copyFile(wrong, certificate);
    await utimes(certificate, new Date(), inAnHour());
    const refused = await place.ssh(`sbx-${id}`, "true");
    assert.equal(refused.code, 255);
    assert.match(refused.stderr, /^error: the SSH certificate is for another session/m);
    assert.equal(await place.ok(`sbx-${id}`, "echo in"), "in\n");
    await bench.ok(["sandbox", "terminate", "other", "--yes"]);
    await bench.ok(["sandbox", "set", "demo"]);
  });

  it("carries much, either way, and nothing is lost or comes twice", async () => {
    const bytes = randomBytes(64 << 20);
    await writeFile(join(bench.home, "much"), bytes);
    for (const [from, to] of [
      ["much", `sbx-${id}:much`],
      [`sbx-${id}:much`, "back"],
    ] as const) {
      const { code, stderr } = await place.run("scp", ["-q", "-F", place.config, from, to]);
      assert.equal(code, 0, stderr);
    }
    const digest = (data: Buffer) => createHash("sha256").update(data).digest("hex");
    assert.equal(digest(await readFile(join(bench.home, "back"))), digest(bytes));
  });

  it("serves a ControlMaster, whose ssh leaves the one that started it", async () => {
    const socket = join(bench.home, "control");
    const master = ["-F", place.config, "-S", socket, "-o", "ControlPersist=60"];
    const first = await place.run("ssh", [...master, "-M", "-f", "-N", `sbx-${id}`]);
    assert.equal(first.code, 0, first.stderr);
    assert.equal((await place.run("ssh", [...master, `sbx-${id}`, "echo in"])).stdout, "in\n");
    assert.equal((await place.run("ssh", [...master, "-O", "exit", `sbx-${id}`])).code, 0);
  });

  const carriers = () => {
    try {
      return execFileSync("pgrep", ["-f", `knock .*${bench.home}|knock .*sbx-${id}`], { encoding: "utf8" })
        .trim()
        .split("\n");
    } catch {
      return []; // pgrep's way to say so
    }
  };

  it("holds a hundred connections in little memory, whatever goes by them, and leaves nothing of them", async () => {
    const all = Array.from({ length: 100 }, () => undefined).map(() => connect("cat"));
    await Promise.all(all.map(({ hears }) => hears("there\n")));
    const held = () => carriers().reduce((sum, pid) => sum + residentKb(pid), residentKb(engine.pid)) / 1024;
    assert.equal(carriers().length, 400);
    const idle = held();
    const piece = "x".repeat(1 << 20);
    await Promise.all(
      all.map(async ({ child, said }) => {
        child.stdin?.write(`${piece}\n`);
        const whole = "there\n".length + piece.length + 1;
        await place.until("all of it", async () => said.stdout.length === whole || undefined);
      }),
    );
    assert.ok(held() - idle < 60, `${held() - idle} MB for what went by them`);
    for (const { child } of all) child.stdin?.end();
    assert.ok((await Promise.all(all.map(({ over }) => over))).every((code) => code === 0));
    await place.until("the end of the last of them", async () => carriers().length === 0 || undefined);
  });

  it("is gone with ssh that is killed, and the command's input with it", async () => {
    const { child, hears } = connect("exec sed -u s/535353/x/");
    await hears("there\n");
    child.kill("SIGKILL");
    const there = ["sandbox", "exec", "-q", "--", "pgrep", "-fx", "sed -u s/535353/x/"];
    await place.until(
      "the end of the command",
      async () => (await bench.call(there)).code === 1 || undefined,
    );
    await place.until("the end of who carried it", async () => carriers().length === 0 || undefined);
  });

  it("is gone with ssh that is killed, though the server takes nothing more", async () => {
    const { child, hears } = connect("exec cat > /dev/null");
    await hears("there\n");
    await bench.ok(["sandbox", "pause", "demo"]);
    try {
      child.stdin?.write(Buffer.alloc(4 << 20));
      const written = () => Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${child.pid}/io`, "utf8"))?.[1]);
      let last = 0;
      await place.until("all that goes on the way", async () => {
        const [before, now] = [last, (last = written())];
        return (now > 300_000 && now === before) || undefined;
      });
      child.kill("SIGKILL");
      await place.until("the end of who carried it", async () => carriers().length === 0 || undefined);
    } finally {
      await bench.ok(["sandbox", "resume", "demo"]);
    }
  });

  it("lives through signals that ssh lives through: an interrupted sftp goes on", async () => {
    for (const [signal, env] of [
      ["SIGINT", {}],
      ["SIGHUP", {}],
      ["SIGINT", byTenki],
    ] as const) {
      const ssh = `trap "" ${signal.slice(3)}; exec ssh -F ${place.config} sbx-${id} "$0"`;
      // Longer than a connection that is over is held.
      const child = place.start("setsid", ["sh", "-c", ssh, "echo there; sleep 2; echo on"], env);
      let said = "";
      child.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString()));
      const over = ended(child);
      await place.until("its first word", async () => said === "there\n" || undefined);
      process.kill(-Number(child.pid), signal);
      assert.deepEqual([await over, said], [0, "there\non\n"], signal);
    }
  });

  it("ends for who ignores that its children end, too", async () => {
    const ignoring = `trap "" CHLD; exec "$0" knock "$@"`;
    const words = [program, launcher, "sandbox", "ssh-proxy", "--session", id];
    const child = place.start("sh", ["-c", ignoring, ...words]);
    let said = "";
    child.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString()));
    child.stdin?.end();
    await place.until("its end", async () => child.exitCode === 0 || undefined);
    assert.match(said, /^SSH-2\.0-/);
  });

  it("ends with any of those who carry it, at both ends", async () => {
    for (const which of [0, 1, 2, 3]) {
      const { said, over, hears } = connect("exec sed -u s/545454/x/");
      await hears("there\n");
      const all = carriers();
      assert.equal(all.length, 4);
      process.kill(Number(all[which]), "SIGKILL");
      assert.equal(await over, 255);
      if (which > 0) assert.match(said.stderr, /^error: the /);
      const there = ["sandbox", "exec", "-q", "--", "pgrep", "-fx", "sed -u s/545454/x/"];
      await place.until("the command's end", async () => (await bench.call(there)).code === 1 || undefined);
      await place.until("the end of the others", async () => carriers().length === 0 || undefined);
    }
  });

  it("stands still in a pause, and goes on", async () => {
    const { child, hears, over } = connect("cat");
    await hears("there\n");
    await bench.ok(["sandbox", "pause", "demo"]);
    child.stdin?.write("meanwhile\n");
    await bench.ok(["sandbox", "resume", "demo"]);
    await hears("meanwhile\n");
    child.stdin?.end();
    assert.equal(await over, 0);
  });

  it("says that a session is paused, or over, as the command line does", async () => {
    await bench.ok(["sandbox", "pause", "demo"]);
    assert.match((await place.ssh(`sbx-${id}`, "true")).stderr, /^error: session is not running .*PAUSED/m);
    await bench.ok(["sandbox", "resume", "demo"]);
    const brief = await bench.json<{ id: string }>(["sandbox", "create", "--name", "brief"]);
    await place.ok(`sbx-${brief.id}`, "true");
    const { over, said, hears } = connect("cat", brief.id);
    await hears("there\n");
    await bench.ok(["sandbox", "terminate", "brief", "--yes"]);
    assert.equal(await over, 255);
    assert.match(said.stderr, /^error: the SSH connection ended: session is terminated/);
    assert.match((await place.ssh(`sbx-${brief.id}`, "true")).stderr, /^error: session/m);
    assert.equal(existsSync(join(bench.home, ".config/tenki/ssh-certs", brief.id)), false);
    await bench.ok(["sandbox", "set", "demo"]);
  });

  it("becomes the command line whatever it is called with", async () => {
    for (const [words, expected] of [
      [["echo", "sandbox", "ssh-proxy", "--host", "../x"], "sandbox ssh-proxy --host ../x\n"],
      [["echo", "sandbox", "ssh-proxy", "--session", "demo"], "sandbox ssh-proxy --session demo\n"],
      [["echo", "sandbox", "ssh-proxy", "--host", ""], "sandbox ssh-proxy --host \n"],
      [["echo", "some", "words"], "some words\n"],
      [["echo"], "\n"],
    ] as const)
      assert.equal((await place.run(program, ["knock", ...words])).stdout, expected);
    for (const closed of ["<&-", "2>&-"]) {
      const words = ["echo", "sandbox", "ssh-proxy", "--session", id];
      const { stdout } = await place.run("sh", ["-c", `exec "$0" knock "$@" ${closed}`, program, ...words]);
      assert.equal(stdout, `sandbox ssh-proxy --session ${id}\n`, closed);
    }
    const { code, stderr } = await place.run(program, ["knock", "/nowhere/node", "sandbox"]);
    assert.deepEqual([code, stderr], [1, "error: /nowhere/node cannot be run: No such file or directory\n"]);
  });

  it("ends with an engine that is killed, and says so", async () => {
    const { over, said, hears } = connect("cat");
    await hears("there\n");
    process.kill(engine.pid, "SIGKILL");
    assert.equal(await over, 255);
    assert.match(said.stderr, /^error: the SSH connection ended: /); // ahead of what ssh says
    engine = await bench.startEngine();
  });

  it("is forgotten with the login", async () => {
    await bench.ok(["logout"]);
    assert.equal(existsSync(pass), false);
    assert.equal((await place.ssh(`sbx-${id}`, "true")).code, 255);
    await bench.ok(["login", "--endpoint", "local"]);
  });
});
