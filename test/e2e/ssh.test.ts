import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, connect } from "node:net";
import { after, before, describe, it } from "node:test";
import type { Session } from "../../src/client/index.js";
import { runProcess } from "../../src/lib/process.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { SshClient } from "./support/ssh.js";
import { Workbench } from "./support/tenki.js";

const soon = { timeoutMs: 30_000, intervalMs: 200 };
const awkward = 'two "words" and a \\ # $HOME';

describe("ssh into a session", () => {
  let bench: Workbench;
  let ssh: SshClient;
  let session: Session;
  let other: Session;
  before(async () => {
    bench = await Workbench.open();
    ssh = new SshClient(bench, await bench.startEngine());
    await ssh.makeKey("key", "-t", "ed25519");
    const env = ["--env", `AWKWARD=${awkward}`, "--env", "GH_TOKEN=ghp_secret"];
    await bench.ok(["sandbox", "create", "--name", "first", ...env]);
    await bench.ok(["sandbox", "create", "--name", "other"]);
    [session, other] = [await ssh.session("first"), await ssh.session("other")];
    await ssh.certify(session);
  });
  after(async () => {
    ssh.client.close();
    await bench.close();
  });

  const succeeds = async (command: string, options?: Parameters<SshClient["run"]>[2]) => {
    const { code, stdout, stderr } = await ssh.run(session, command, options);
    assert.equal(code, 0, stderr);
    return stdout;
  };

  it("logs in as tenki and as root, with the host key checked, and hands over streams and exit codes", async () => {
    assert.equal(await succeeds("id -un; pwd"), "tenki\n/home/tenki\n");
    assert.equal(await succeeds("id -un; pwd", { user: "root" }), "root\n/root\n");
    const { code, stdout, stderr } = await ssh.run(session, "cat; echo aside >&2; exit 7", { input: "in\n" });
    assert.deepEqual([code, stdout, stderr], [7, "in\n", "aside\n"]);
  });

  it("brings the session's environment, in commands, login shells and sudo", async () => {
    const expected = `${awkward} ghp_secret\n`;
    assert.equal(await succeeds('echo "$AWKWARD $GH_TOKEN"'), expected);
    assert.equal(await succeeds(`bash -lc 'echo "$AWKWARD $GH_TOKEN"'`), expected);
    assert.equal(await succeeds(`sudo sh -c 'echo "$GH_TOKEN"'`), "ghp_secret\n");
    const path = await bench.ok(["sandbox", "exec", "-q", "--session", "first", "--", "printenv", "PATH"]);
    assert.equal(await succeeds("printenv PATH"), path);
  });

  it("gives a terminal", async () => {
    const said = await succeeds("tty; echo $TERM; test -t 0 && test -t 2 && stty -a", { flags: ["-tt"] });
    assert.match(await succeeds("tty", { user: "root", flags: ["-tt"] }), /^\/dev\/pts\/\d+\r\n$/);
    assert.match(said, /^\/dev\/pts\/\d+\r\n\S+\r\nspeed/);
  });

  for (const [name, ...kind] of [
    ["rsa", "-t", "rsa", "-b", "3072"],
    ["ecdsa", "-t", "ecdsa"],
  ] as const) {
    it(`takes an ${name} key`, async () => {
      await ssh.makeKey(name, ...kind);
      await ssh.certify(session, name);
      assert.equal((await ssh.run(session, "true", {}, name)).code, 0);
    });
  }

  const refused = async (key: string, user = "tenki") => {
    const { code, stderr } = await ssh.run(session, "true", { user }, key);
    assert.equal(code, 255);
    assert.match(stderr, /Permission denied \(publickey\)/);
  };

  it("refuses a certificate for another session", async () => {
    await ssh.makeKey("foreign", "-t", "ed25519");
    await ssh.certify(other, "foreign");
    assert.equal((await ssh.run(other, "true", {}, "foreign")).code, 0);
    await ssh.pin(session);
    await refused("foreign");
    await refused("foreign", "root");
  });

  it("refuses what has no certificate, a stranger's, one that is over, and one that names nobody here", async () => {
    const key = await ssh.makeKey("bad", "-t", "ed25519");
    await refused("bad");
    const stranger = await ssh.makeKey("stranger", "-t", "ed25519");
    const names = ["-I", "x", "-n", `tenki,root,session-${session.id}`];
    await runProcess(["ssh-keygen", "-q", "-s", stranger, ...names, `${key}.pub`]);
    await refused("bad");
    await ssh.sign("bad", ...names, "-V", "-2h:-1h");
    await refused("bad");
    await ssh.sign("bad", "-I", "x", "-n", "tenki,root", "-V", "-1m:+5m");
    await refused("bad");
    await ssh.sign("bad", ...names, "-V", "-1m:+5m");
    assert.equal((await ssh.run(session, "true", {}, "bad")).code, 0, "so it was the rest that was refused");
    await refused("bad", "daemon");
  });

  it("is over when it says so", async () => {
    await ssh.makeKey("short", "-t", "ed25519");
    await ssh.certify(session, "short", { ttlMs: 1_000 });
    const ended = async () => ((await ssh.run(session, "true", {}, "short")).code === 255 ? true : undefined);
    assert.ok(await waitUntil(ended, soon));
  });

  it("forwards ports either way, sockets, and an agent", async () => {
    const echo = createServer((socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
    await once(echo, "listening");
    const port = (echo.address() as { port: number }).port;
    const remote = `bash -c 'exec 3<>/dev/tcp/127.0.0.1/18022; echo round >&3; head -n 1 <&3'`;
    assert.equal(await succeeds(remote, { flags: ["-R", `18022:127.0.0.1:${port}`] }), "round\n");
    echo.close();
    const local = ssh.path("local.sock");
    const served = ssh.start(
      session,
      `python3 -c "import socket; s = socket.create_server(('127.0.0.1', 18023)); print('up', flush=True); c = s.accept()[0]; c.sendall(c.recv(9))"`,
      { flags: ["-L", `${local}:127.0.0.1:18023`] },
    );
    await once(served.stdout, "data");
    const socket = connect(local);
    socket.write("there");
    const [back] = (await once(socket, "data")) as [Buffer];
    assert.equal(back.toString(), "there");
    socket.destroy();
    await once(served, "close");
    const agent = ["ssh-agent", "sh", "-c", 'ssh-add -q "$0"; exec "$@"', ssh.path("key")];
    const flags = ["-A", "-o", "IdentityAgent=SSH_AUTH_SOCK", ...ssh.arguments(session)];
    const seen = await ssh.tool([...agent, "ssh", ...flags, "tenki@session", "ssh-add -l"]);
    assert.match(seen, /ED25519/);
  });

  it("carries scp, sftp, rsync and git", async () => {
    const large = Buffer.alloc(3 << 20, "0123456789abcdef");
    writeFileSync(ssh.path("large"), large);
    const flags = ssh.arguments(session);
    await ssh.tool(["scp", ...flags, "large", "tenki@session:copied"]);
    await ssh.tool(["scp", "-O", ...flags, "tenki@session:copied", "back"]);
    assert.ok(readFileSync(ssh.path("back")).equals(large));
    writeFileSync(ssh.path("batch"), "put large by-sftp\nget by-sftp again\n");
    await ssh.tool(["sftp", "-b", "batch", ...flags, "tenki@session"]);
    assert.ok(readFileSync(ssh.path("again")).equals(large));
    const command = ["ssh", ...flags].map((word) => `'${word}'`).join(" ");
    await ssh.tool(["rsync", "-a", "-e", command, "large", "tenki@session:synced"]);
    assert.equal(await succeeds("cmp copied synced && cmp copied by-sftp && echo same"), "same\n");
    await succeeds("git init -q --bare repo.git");
    await ssh.tool(["git", "init", "-q", "repo"]);
    const git = ["git", "-C", "repo", "-c", "user.name=A", "-c", "user.email=a@b"];
    await ssh.tool([...git, "commit", "-q", "--allow-empty", "-m", "hello"]);
    await ssh.tool([...git, "push", "-q", "tenki@session:repo.git", "HEAD:refs/heads/main"], {
      GIT_SSH_COMMAND: command,
    });
    assert.equal(await succeeds("git -C repo.git log --format=%s main"), "hello\n");
  });

  it("honours the session's authorized keys, and a change of them at once", async () => {
    const [one, two] = [await ssh.makeKey("one", "-t", "ed25519"), await ssh.makeKey("two", "-t", "ed25519")];
    await bench.ok(["sandbox", "create", "--name", "keyed", "--authorized-keys-file", `${one}.pub`]);
    const keyed = await ssh.session("keyed");
    await ssh.pin(keyed);
    const code = async (key: string, user = "tenki") => (await ssh.run(keyed, "true", { user }, key)).code;
    assert.deepEqual([await code("one"), await code("one", "root"), await code("two")], [0, 0, 255]);
    await keyed.updateSshAuthorizedKeys([readFileSync(`${two}.pub`, "utf8").trim()]);
    assert.deepEqual([await code("one"), await code("two")], [255, 0]);
    await bench.ok(["sandbox", "terminate", "keyed", "--yes"]);
    await ssh.pin(session);
  });

  it("leaves running what was started to go on, and ends what was on its terminal", async () => {
    await succeeds("(setsid sleep 4711 >/dev/null 2>&1 &) ; nohup sleep 4712 >/dev/null 2>&1 & exit");
    const held = ssh.start(session, "sleep 4713", { flags: ["-tt"] });
    const sleeping = async () => (await ssh.run(session, "pgrep -fx 'sleep 4713'")).code === 0;
    assert.ok(await waitUntil(async () => (await sleeping()) || undefined, soon));
    held.kill("SIGKILL");
    assert.ok(
      await waitUntil(async () => !(await sleeping()) || undefined, soon),
      "it outlived its terminal",
    );
    assert.equal(await succeeds("pgrep -fx 'sleep 471[12]' | wc -l; pkill sleep"), "2\n");
  });

  it("stands still in a pause, refuses new connections meanwhile, and goes on", async () => {
    const open = ssh.start(session, "cat");
    open.stdin.write("before\n");
    await once(open.stdout, "data");
    await bench.ok(["sandbox", "pause", "first"]);
    const late = await ssh.run(session, "true");
    assert.equal(late.code, 255);
    assert.match(late.stderr, /session is not running \(state=PAUSED\)/);
    const echoed = once(open.stdout, "data");
    open.stdin.write("after\n");
    await bench.ok(["sandbox", "resume", "first"]);
    assert.equal(String((await echoed)[0]), "after\n");
    open.stdin.end();
    assert.deepEqual(await once(open, "close"), [0, null]);
  });

  it("trusts the old authority and the new one after a rotation, and open connections stay", async () => {
    const open = ssh.start(session, "cat");
    open.stdin.write("x");
    await once(open.stdout, "data");
    const { ca_pub } = await bench.json<{ ca_pub: string }>(["engine", "rotate-ca"]);
    assert.equal((await ssh.run(session, "true")).code, 0, "the certificate from before");
    await ssh.makeKey("fresh", "-t", "ed25519");
    const { caPub } = await session.issueSshCert(ssh.publicKey("fresh"));
    assert.equal(caPub, ca_pub);
    await ssh.certify(session, "fresh");
    assert.equal((await ssh.run(session, "true", {}, "fresh")).code, 0);
    open.stdin.end();
    assert.deepEqual(await once(open, "close"), [0, null]);
  });

  it("is ended by the session's end", async () => {
    await ssh.certify(other, "foreign");
    const open = ssh.start(other, "cat", {}, "foreign");
    open.stdin.write("x");
    await once(open.stdout, "data");
    const ended = once(open, "close");
    await bench.ok(["sandbox", "terminate", "other", "--yes"]);
    assert.deepEqual(await ended, [255, null]);
    assert.match((await ssh.run(other, "true", {}, "foreign")).stderr, /session is terminated/);
  });
});
