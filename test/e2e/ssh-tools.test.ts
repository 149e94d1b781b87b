import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { SshPlace } from "./support/ssh-place.js";
import { Workbench } from "./support/tenki.js";

/** The tools of OpenSSH, rsync and git against the real thing. */
describe("ssh and its tools", () => {
  let bench: Workbench;
  let place: SshPlace;
  let id: string;
  let other: string;
  before(async () => {
    bench = await Workbench.open();
    await bench.startEngine();
    await bench.ok(["login", "--endpoint", "local"]);
    const create = async (name: string) =>
      (await bench.json<{ id: string }>(["sandbox", "create", "--name", name])).id;
    other = await create("other");
    id = await create("demo");
    await bench.ok(["sandbox", "ssh", "config", "install"]);
    place = new SshPlace(bench);
    await writeFile(join(bench.home, "bytes"), randomBytes(5 << 20));
  });
  after(async () => {
    place.close();
    await bench.close();
  });
  const local = (...names: string[]) => join(bench.home, ...names);
  const kept = (...names: string[]) => local(".config", "tenki", "ssh-certs", ...names);
  const same = async (one: string, two: string) =>
    assert.ok((await readFile(one)).equals(await readFile(two)));

  /** A port on this side that answers every connection with a text. */
  async function answering(text: string): Promise<{ port: number; close: () => void }> {
    const server = createServer((socket) => socket.end(text));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
  }

  /** A port of this side that is free now. */
  async function freePort(): Promise<number> {
    const { port, close } = await answering("");
    close();
    return port;
  }

  it("logs in by the flags as root, and by the config as tenki", async () => {
    assert.equal(await bench.ok(["sandbox", "ssh", "demo", "whoami"]), "root\n");
    assert.equal(await bench.ok(["sandbox", "ssh", "--user", "tenki", "--", "whoami"]), "tenki\n");
    assert.equal(await place.ok("sbx-demo", "whoami; hostname; pwd"), "tenki\ndemo\n/home/tenki\n");
    assert.equal(await place.ok(`sbx-${id}`, "hostname"), "demo\n");
    assert.equal(await place.ok(`root@sbx-${other}`, "whoami; hostname"), "root\nother\n");
  });

  it("ends with the command's code, and passes stdin and both outputs", async () => {
    const flags = await bench.call(["sandbox", "ssh", "demo", "cat; echo no >&2; exit 7"], {
      input: "through",
    });
    assert.deepEqual(flags, { code: 7, stdout: "through", stderr: "no\n" });
    const config = await place.run("ssh", ["-F", place.config, "sbx-demo", "cat; echo no >&2; exit 9"], {
      input: "through",
    });
    assert.deepEqual(config, { code: 9, stdout: "through", stderr: "no\n" });
  });

  it("prints a line that can be pasted", async () => {
    const line = (await bench.ok(["sandbox", "ssh-command", "demo"])).trim();
    const pasted = await place.run("sh", ["-c", `${line} -F none 'echo $0 $HOME'`]);
    assert.deepEqual([pasted.code, pasted.stdout], [0, "bash /root\n"], pasted.stderr);
  });

  it("gives a terminal of its own", async () => {
    const { stdout } = await place.ssh("-tt", "sbx-demo", "tty && test -t 1 && echo terminal");
    assert.match(stdout, /^\/dev\/pts\/\d+\r\nterminal\r\n$/);
  });

  it("copies with scp", async () => {
    const copy = (...args: string[]) => place.run("scp", ["-q", "-F", place.config, ...args]);
    for (const how of [[], ["-O"]]) {
      assert.equal((await copy(...how, "bytes", "sbx-demo:copied")).code, 0);
      const { code, stderr } = await copy(...how, "sbx-demo:copied", "back");
      assert.equal(code, 0, stderr);
      await same(local("bytes"), local("back"));
    }
  });

  it("copies with sftp", async () => {
    const batch = "mkdir deep\nput bytes deep/one\nrename deep/one deep/two\nget deep/two fetched\nls deep\n";
    const { code, stdout } = await place.run("sftp", ["-q", "-F", place.config, "-b", "-", "sbx-demo"], {
      input: batch,
    });
    assert.equal(code, 0);
    assert.match(stdout, /deep\/two/);
    await same(local("bytes"), local("fetched"));
  });

  it("keeps trees the same with rsync", async () => {
    await mkdir(local("tree", "below"), { recursive: true });
    await copyFile(local("bytes"), local("tree", "below", "bytes"));
    const sync = (...args: string[]) => place.run("rsync", ["-a", "--delete", "-e", place.line, ...args]);
    const up = await sync("tree/", "sbx-demo:tree/");
    assert.equal(up.code, 0, up.stderr);
    await writeFile(local("tree", "below", "more"), "more");
    assert.equal((await sync("tree/", "sbx-demo:tree/")).code, 0);
    assert.equal((await sync("sbx-demo:tree/", "again/")).code, 0);
    assert.deepEqual((await readdir(local("again", "below"))).sort(), ["bytes", "more"]);
    await same(local("bytes"), local("again", "below", "bytes"));
  });

  it("pushes and clones with git", async () => {
    const env = { GIT_SSH_COMMAND: place.line, GIT_CONFIG_GLOBAL: "/dev/null" };
    const author = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
    const git = async (...args: string[]) => {
      const { code, stdout, stderr } = await place.run("git", [...author, ...args], { env });
      assert.equal(code, 0, stderr);
      return stdout;
    };
    await place.ok("sbx-demo", "git init -q --bare -b main repository.git");
    await git("init", "-q", "-b", "main", "work");
    await git("-C", "work", "commit", "-q", "--allow-empty", "-m", "from here");
    await git("-C", "work", "push", "-q", "sbx-demo:repository.git", "main");
    await git("clone", "-q", "ssh://sbx-demo/~/repository.git", "cloned");
    assert.match(await git("-C", "cloned", "log", "--oneline"), / from here$/m);
  });

  describe("forwards", () => {
    before(async () => {
      const server =
        "import socketserver as s\nclass H(s.StreamRequestHandler):\n  def handle(self): self.wfile.write(b'inside')\ns.TCPServer(('127.0.0.1',7000),H).serve_forever()";
      await bench.ok(["sandbox", "exec", "-q", "-d", "--", "python3", "-c", server]);
      await place.until("the server inside", async () => {
        const { stdout } = await place.ssh("sbx-demo", "bash -c 'cat < /dev/tcp/127.0.0.1/7000'");
        return stdout === "inside" || undefined;
      });
    });

    it("a port of this side, without a command (-N -L)", async () => {
      const port = await freePort();
      place.start("ssh", ["-F", place.config, "-N", "-L", `127.0.0.1:${port}:127.0.0.1:7000`, "sbx-demo"]);
      const read = () => place.run("bash", ["-c", `cat < /dev/tcp/127.0.0.1/${port}`]);
      const text = await place.until("the forward", async () => (await read()).stdout || undefined);
      assert.equal(text, "inside");
    });

    it("a port inside (-R)", async () => {
      const { port, close } = await answering("from here");
      const flags = ["-o", "ExitOnForwardFailure=yes", "-R", `7100:127.0.0.1:${port}`];
      const said = await place.ok(...flags, "sbx-demo", "bash -c 'cat < /dev/tcp/127.0.0.1/7100'");
      close();
      assert.equal(said, "from here");
    });

    it("whatever a SOCKS client asks for (-D)", async () => {
      const port = await freePort();
      place.start("ssh", ["-F", place.config, "-N", "-D", `127.0.0.1:${port}`, "sbx-demo"]);
      const [proxy, target] = [`socks5h://127.0.0.1:${port}`, "telnet://127.0.0.1:7000"];
      const ask = () => place.run("curl", ["-s", "--max-time", "5", "--proxy", proxy, target]);
      assert.equal(await place.until("the proxy", async () => (await ask()).stdout || undefined), "inside");
    });

    it("an agent (-A)", async () => {
      const key = local("agent-key");
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
      const script = `ssh-add -q ${key}; ${place.line} -A sbx-demo ssh-add -L`;
      const { stdout, stderr } = await place.run("ssh-agent", ["sh", "-c", script]);
      assert.equal(stdout, await readFile(`${key}.pub`, "utf8"), stderr);
    });

    it("what another ssh says, as a jump host (-J)", async () => {
      const sshd = "/run/tenki/openssh/ld.so --library-path /run/tenki/openssh/lib /run/tenki/openssh/sshd";
      const line = `exec ${sshd} -r -D -p 7022 -f /run/tenki/ssh/sshd_config`;
      await bench.ok(["sandbox", "exec", "-q", "-d", "--user", "root", "-c", line]);
      const files = [
        ...["-i", local(".config", "tenki", "ssh", "id_ed25519")],
        ...["-o", `CertificateFile=${kept("sbx-demo", "id_ed25519-cert.pub")}`],
        ...["-o", `UserKnownHostsFile=${kept("sbx-demo", "known_hosts")}`, "-o", "HostKeyAlias=sbx-demo"],
      ];
      const jump = () => place.ssh(...files, "-J", "sbx-demo", "-p", "7022", "tenki@127.0.0.1", "hostname");
      assert.equal(await place.until("the jump", async () => (await jump()).stdout || undefined), "demo\n");
    });
  });

  it("shares a connection (ControlMaster)", async () => {
    const socket = ["-S", local("master")];
    await place.ok(...socket, "-M", "-N", "-f", "-o", "ControlPersist=60", "sbx-demo");
    assert.equal(await place.ok(...socket, "sbx-demo", "echo shared"), "shared\n");
    assert.match((await place.ssh(...socket, "-O", "check", "sbx-demo")).stderr, /^Master running/);
    assert.equal((await place.ssh(...socket, "-O", "exit", "sbx-demo")).code, 0);
  });
});
