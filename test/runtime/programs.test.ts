import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { Workbench, type ShellOptions } from "./support/workbench.js";

let bench: Workbench;
let sandbox: string;
before(async () => {
  bench = await Workbench.open();
  sandbox = await bench.start({ memoryMb: 2048 });
});
after(() => bench.close());

async function say(script: string, options: ShellOptions = {}): Promise<string> {
  const { stdout, stderr, exit } = await bench.shell(sandbox, script, options);
  assert.equal(exit.exitCode, 0, `${script}\n${stdout}${stderr}`);
  return stdout.trim();
}

/** Where a tool is not on the host, it is not in the image either. */
const has = (...programs: string[]): boolean =>
  programs.every((program) => existsSync(`/usr/bin/${program}`));

test("sudo makes root, without a password and without a word", async () => {
  const { stdout, stderr } = await bench.shell(sandbox, "sudo id -u; sudo -u daemon id -un; sudo -n true");
  assert.equal(stdout, "0\ndaemon\n");
  assert.equal(stderr, "");
});

test("python, with processes, threads, a database and TLS", async () => {
  const script = `
import multiprocessing, sqlite3, ssl, threading
print(multiprocessing.Pool(2).map(abs, [-1, -2]))
thread = threading.Thread(target=lambda: print("thread")); thread.start(); thread.join()
print(sqlite3.connect("x.db").execute("select 1").fetchone())
print(len(ssl.create_default_context().get_ca_certs()) > 10)`;
  assert.equal(await say(`python3 -c '${script}'`), "[1, 2]\nthread\n(1,)\nTrue");
});

test("a C compiler, and what it makes", { skip: !has("gcc") }, async () => {
  assert.equal(
    await say(`echo 'int main(void) { return 0; }' > a.c && gcc a.c -o a && ./a && echo ran`),
    "ran",
  );
});

test("node, with worker threads", { skip: !has("node") }, async () => {
  const script = `const { Worker } = require("worker_threads");
new Worker("require('worker_threads').parentPort.postMessage(6 * 7)", { eval: true }).on("message", console.log)`;
  assert.equal(await say(`node -e '${script.replaceAll("'", `'\\''`)}'`), "42");
});

test("git", { skip: !has("git") }, async () => {
  const as = "-c user.name=a -c user.email=a@example.com";
  assert.equal(
    await say(
      `git init -q repo && cd repo && git ${as} commit -q --allow-empty -m one && git log --format=%s`,
    ),
    "one",
  );
});

test("a terminal multiplexer", { skip: !has("tmux") }, async () => {
  assert.match(
    await say("tmux new-session -d 'sleep 5' && tmux list-sessions; tmux kill-server"),
    /1 windows/,
  );
});

test("a debugger", { skip: !has("gdb") }, async () => {
  assert.match(await say("gdb -batch -ex run --args /bin/true 2>&1"), /exited normally/);
});

test("a database server", { skip: !existsSync("/usr/lib/postgresql") }, async () => {
  assert.equal(
    await say(`bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1); export PGDATA=$HOME/pg PGHOST=/tmp
      $bin/initdb -A trust >/dev/null && $bin/pg_ctl -w -s -o "-k /tmp" -l log start
      $bin/psql -At postgres -c "select 6 * 7"; $bin/pg_ctl -s stop`),
    "42",
  );
});

test("users can be added", async () => {
  assert.equal(
    await say("sudo useradd --create-home bob && sudo -u bob sh -c 'id -un; cd; pwd'"),
    "bob\n/home/bob",
  );
});

const makePackage = `mkdir -p p/DEBIAN p/usr/bin p/etc && cd p
printf 'Package: tenki-tiny\\nVersion: 1\\nArchitecture: all\\nMaintainer: a <a@example.com>\\nDescription: x\\n' > DEBIAN/control
printf '#!/bin/sh\\nadduser --system --quiet tenki-tiny\\n' > DEBIAN/postinst; chmod 755 DEBIAN/postinst
printf '#!/bin/sh\\necho tiny works\\n' > usr/bin/tenki-tiny; chmod 755 usr/bin/tenki-tiny; echo x > etc/tenki-tiny.conf
cd .. && dpkg-deb --root-owner-group -b p tiny.deb >/dev/null`;

test(
  "packages are installed and removed inside, and the host's are as they were",
  { skip: !has("apt-get") },
  async () => {
    const status = readFileSync("/var/lib/dpkg/status");
    await say(makePackage);
    await say("sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -qq ./tiny.deb");
    assert.equal(
      await say("tenki-tiny; dpkg-query -W -f '${Status}' tenki-tiny"),
      "tiny works\ninstall ok installed",
    );
    assert.equal(await say("getent passwd tenki-tiny | cut -d: -f1"), "tenki-tiny");
    await say(
      "sudo apt-get purge -y -qq tenki-tiny && test ! -e /usr/bin/tenki-tiny && test ! -e /etc/tenki-tiny.conf",
    );
    assert.equal(await say("dpkg --audit"), "");
    for (const path of ["/usr/bin/tenki-tiny", "/etc/tenki-tiny.conf"]) assert.ok(!existsSync(path), path);
    assert.ok(readFileSync("/var/lib/dpkg/status").equals(status));
  },
);
