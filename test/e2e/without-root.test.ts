import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, cp, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { runProcess, tryProcess } from "../../src/lib/process.js";
import { shellQuote } from "../../src/lib/shell-quote.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { Place } from "../network/support/world.js";
import { assertGolden } from "./support/golden.js";
import { Lasting } from "./support/lasting.js";
import { runWithoutNamespaces } from "./support/limited-namespaces.js";
import { freePort } from "./support/tcp.js";

/** The hierarchies to delegate a part of: version 2's only one, or all of version 1. */
async function cgroupRoots(): Promise<string[]> {
  const root = "/sys/fs/cgroup";
  const controllers = await readFile(`${root}/cgroup.controllers`, "utf8").catch(() => "");
  if (/\bmemory\b/.test(controllers)) return [root];
  const names = [
    "memory",
    "pids",
    "cpu",
    "cpuacct",
    "cpuset",
    "freezer",
    "devices",
    "blkio",
    "systemd",
    "unified",
  ];
  return existsSync(`${root}/memory/cgroup.procs`) ? names.map((name) => `${root}/${name}`) : [];
}

/** A cgroup of the user's own, as systemd makes it with Delegate=yes. */
const delegate = `user=$1 group=$2; shift 2
for root; do
  mkdir -p $root/$group
  case $root in */cpuset) cat $root/cpuset.cpus > $root/$group/cpuset.cpus; cat $root/cpuset.mems > $root/$group/cpuset.mems ;; esac
  [ ! -e $root/cgroup.controllers ] || echo +cpu +memory +pids > $root/cgroup.subtree_control || true
  chown -R $user $root/$group
done`;

interface DoctorReport {
  readonly asked_as: string;
  readonly gives: string;
  readonly missing: readonly string[];
  readonly checks: readonly {
    name: string;
    ok: boolean;
    required: boolean;
    detail: string;
    hint: string | null;
  }[];
}

/** An ordinary user of the machine, made for this test, with an engine of its own. */
describe("an engine without root", () => {
  const user = `tenki${process.pid % 100_000}`;
  let home: string;
  let tree: string;
  before(async () => {
    await runProcess(["useradd", "--create-home", "--shell", "/bin/bash", user]);
    home = (await runProcess(["getent", "passwd", user])).split(":")[5] ?? "";
    // The clone may lie where an ordinary user cannot look: what is run is a copy.
    tree = await mkdtemp("/tmp/tenki-rootless-");
    await chmod(tree, 0o755);
    for (const part of ["bin", "dist", "package.json"]) await cp(part, join(tree, part), { recursive: true });
    const packages = ["@photostructure", "node-gyp-build", "dns-packet", "@leichtgewicht"];
    for (const part of packages.map((name) => join("node_modules", name)))
      await cp(part, join(tree, part), { recursive: true });
  });
  after(async () => {
    await tenki("engine stop --terminate-sessions");
    await tryProcess(["pkill", "-KILL", "-u", user]);
    // Some thousand files of an image: on a busy disk that takes a while.
    await runProcess(["userdel", "--remove", "--force", user], { timeoutMs: 120_000 });
    await rm(tree, { recursive: true });
  });

  /** As the user, in a shell of its own: every word of `line` is ours. */
  const shell = (line: string) =>
    tryProcess(
      ["setpriv", "--reuid", user, "--regid", user, "--init-groups", "--reset-env", "bash", "-c", line],
      {
        env: { PATH: process.env["PATH"] },
        cwd: home,
        timeoutMs: 120_000,
      },
    );
  /** With the PATH that ordinary users have: without sbin. */
  const tenki = (line: string) =>
    shell(`export PATH=/usr/local/bin:/usr/bin:/bin; exec ${process.execPath} ${tree}/bin/tenki ${line}`);

  const spawnAsUser = (args: readonly string[]) =>
    spawn(
      "setpriv",
      [
        ...["--reuid", user, "--regid", user, "--init-groups", "--reset-env"],
        ...[process.execPath, `${tree}/bin/tenki`, ...args],
      ],
      { cwd: home },
    );

  /** As on a desktop, whose users may make tunnels: with a device of its own, which nobody else here sees. */
  const withTunnels = (flags: string) =>
    tryProcess(
      [
        ...["unshare", "--mount", "sh", "-ec"],
        `[ -e ${tree}/tun ] || mknod -m 666 ${tree}/tun c 10 200
mount --bind ${tree}/tun /dev/net/tun
exec setpriv --reuid ${user} --regid ${user} --init-groups --reset-env ${process.execPath} ${tree}/bin/tenki engine start --listen 127.0.0.1:0 ${flags}`,
      ],
      { env: { PATH: process.env["PATH"] }, cwd: home, timeoutMs: 120_000 },
    );

  it("is told by doctor what this machine gives, and what is missing", async () => {
    const { stdout } = await tenki("engine doctor --json");
    const report = JSON.parse(stdout) as DoctorReport;
    assert.equal(report.asked_as, "rootless");
    const { checks, missing } = report;
    assert.equal(checks.find(({ name }) => name === "user namespaces")?.ok, true);
    for (const { ok, name, hint } of checks) assert.ok(ok || hint !== null, `${name} has no hint`);
    const memory = checks.find(({ name }) => name === "memory snapshots");
    assert.match(memory?.detail ?? "", /; it takes an engine of root's$/);
    const lacking = checks.filter(({ ok, required }) => required && !ok).map(({ name }) => name);
    assert.deepEqual(missing, lacking);
    assert.equal(report.gives, lacking.length === 0 ? "rootless" : "none");
    const summary = (await tenki("engine doctor")).stdout.trimEnd().split("\n").at(-1) ?? "";
    assert.ok(summary.startsWith(`gives: ${report.gives}`), summary);
    for (const name of lacking) assert.ok(summary.includes(name), summary);
  });

  it("says that the kernel lets nobody make a user namespace", async () => {
    const dataDir = join(home, "refused");
    const argv = [process.execPath, `${tree}/bin/tenki`, "engine", "start", "--data-dir", dataDir];
    const asUser = ["setpriv", "--reuid", user, "--regid", user, "--init-groups", ...argv];
    const env = { PATH: process.env["PATH"] ?? "", HOME: home };
    const { code, stderr } = await runWithoutNamespaces(["user"], asUser, env);
    assertGolden("no-user-namespaces.txt", `exit code ${code}\n${stderr}`);
    await assert.rejects(stat(dataDir), { code: "ENOENT" });
  });

  it("does not start without limits unless that is asked for by name", async (t) => {
    const { exitCode, stderr } = await tenki("engine start --listen 127.0.0.1:0");
    if (exitCode === 0) {
      t.diagnostic("this machine delegates a cgroup to ordinary users: limits hold");
      return;
    }
    assert.match(stderr, /cannot be limited/);
    assert.match(stderr, /^hint: .*Delegate=yes.*--isolation namespaces/m);
  });

  it("runs sandboxes that are held apart as root's are", async () => {
    const started = await tenki("engine start --listen 127.0.0.1:0 --isolation namespaces");
    assert.equal(started.exitCode, 0, started.stderr);
    assert.match(started.stderr, /nothing bounds/);
    const created = await tenki("sandbox create --name mine --allow-outbound=false");
    assert.equal(created.exitCode, 0, created.stderr);
    const { stdout } = await tenki("sandbox exec -q -c 'id -un; cat /proc/self/status; ls /home'");
    assert.match(stdout, /^tenki$/m);
    assert.match(stdout, /^Seccomp:\t2$/m);
    assert.match(stdout, /^CapBnd:\t00000000a00405fb$/m);
    assert.doesNotMatch(stdout, new RegExp(`^${user}$`, "m"));
    const away = await tenki("sandbox exec -q --user root -c 'mount -t tmpfs none /mnt || unshare -m true'");
    assert.notEqual(away.exitCode, 0);
    await tenki("sandbox write --path note.txt --data hello");
    assert.equal((await tenki("sandbox read --path note.txt")).stdout, "hello");
  });

  it("says why it cannot pause without a cgroup, and lets the session run on", async () => {
    const { exitCode, stderr } = await tenki("sandbox pause");
    assert.equal(exitCode, 1);
    assert.match(stderr, /cannot be paused with --isolation namespaces: there is no cgroup/);
    assert.match((await tenki("engine status")).stdout, /^pause_keeps\s*: nothing/m);
    assert.equal((await tenki("sandbox exec -q -c 'cat note.txt'")).stdout, "hello");
  });

  it("finds its sandboxes again after a restart", async () => {
    const stopped = await tenki("engine stop");
    assert.match(stopped.stderr, /1 session left running/);
    await tenki("engine start --listen 127.0.0.1:0 --isolation namespaces");
    assert.equal((await tenki("sandbox exec -q -c 'cat note.txt'")).stdout, "hello");
  });

  it("gives them volumes, which are plain directories, and keep what was written", async () => {
    const ok = async (line: string) => {
      const { exitCode, stdout, stderr } = await tenki(line);
      assert.equal(exitCode, 0, `${line}: ${stderr}`);
      return stdout;
    };
    const inside = (session: string, line: string) => ok(`sandbox exec --session ${session} -q -c '${line}'`);
    await ok("sandbox volume create cache --size 64MiB");
    for (const [name, expected] of [
      ["first", "cold\n"],
      ["second", "warm\n"],
    ] as const) {
      await ok(`sandbox create --name ${name} --allow-outbound=false --volume cache:/home/tenki/cache`);
      const build =
        "cat cache/state 2>/dev/null || echo cold; echo warm > cache/state; sudo touch cache/of-root";
      assert.equal(await inside(name, build), expected);
      const taken = await tenki("sandbox create --name late --volume cache:/data");
      assert.match(taken.stderr, /volume is attached to session/);
      await ok(`sandbox volume detach ${name} cache`);
      assert.equal(await inside(name, "ls -A cache"), "");
      await ok(`sandbox terminate ${name} --yes`);
    }
    await ok("sandbox volume attach mine cache --mount /data --readonly");
    assert.equal(
      await inside("mine", "cat /data/state; touch /data/x 2>&1 | grep -c Read-only || true"),
      "warm\n1\n",
    );
    await ok("sandbox volume detach mine cache");
    await ok("sandbox volume delete cache --yes");
    await ok("sandbox set mine");
  });

  it("says why it cannot take snapshots of what runs without a cgroup, and lets the session run on", async () => {
    const { exitCode, stderr } = await tenki("sandbox snapshot create mine");
    assert.equal(exitCode, 1);
    assert.match(stderr, /^error: cannot take a snapshot of a session that runs: .*no cgroup/);
    assert.equal((await tenki("sandbox exec -q -- true")).exitCode, 0);
    assert.equal((await tenki("sandbox snapshot list --json")).stdout, "[]\n");
  });

  it("lets its user's ssh and scp in, as tenki and as root", async () => {
    const checked = async (line: string) => {
      const { exitCode, stdout, stderr } = await shell(line);
      assert.equal(exitCode, 0, `${line}: ${stderr}`);
      return stdout;
    };
    assert.equal((await tenki("sandbox ssh config install")).exitCode, 0);
    const status = "id -un; grep -E '^(CapBnd|Seccomp):' /proc/self/status";
    const held = "CapBnd:\t00000000a00405fb\nSeccomp:\t2\n";
    assert.equal(await checked(`ssh sbx-mine "${status}"`), `tenki\n${held}`);
    assert.equal(await checked(`ssh root@sbx-mine "${status}"`), `root\n${held}`);
    await checked("scp -q sbx-mine:note.txt . && scp -q note.txt sbx-mine:copied.txt");
    assert.equal(await checked("cat note.txt; ssh sbx-mine cat copied.txt"), "hellohello");
    assert.equal((await tenki("sandbox ssh mine whoami")).stdout, "root\n");
  });

  it("opens their ports, and makes ways into them and out, which stay over a restart", async () => {
    const host = createServer((_, answer) => answer.end("from the host")).listen(0, "127.0.0.1");
    await once(host, "listening");
    const lasting: Lasting[] = [];
    const begin = async (...args: readonly string[]) => {
      const begun = await Lasting.begin({ spawn: spawnAsUser }, ...args);
      lasting.push(begun);
      return begun;
    };
    try {
      await tenki("sandbox create --name web --allow-inbound --allow-outbound=false");
      const url = (await tenki("sandbox expose 3000 --json | jq -r .preview_url")).stdout.trim();
      assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
      assert.equal((await fetch(url)).status, 502);
      await tenki(
        "sandbox exec -q -c 'mkdir www; head -c 20000000 /dev/zero > www/large; echo hello > www/small'",
      );
      const serve = "python3 -u -m http.server --directory www";
      await tenki(`sandbox exec -q -d -- ${serve} --bind 127.0.0.1 3000`);
      await until(async () => (await fetch(`${url}/small`)).status === 200);
      assert.equal(await (await fetch(`${url}/small`)).text(), "hello\n");
      assert.equal((await (await fetch(`${url}/large`)).arrayBuffer()).byteLength, 20_000_000);
      const [port, socket] = [await freePort(), join(home, "web.sock")];
      await begin("forward", `${port}:3000`, `${socket}:3000`);
      const viaSocket = ["curl", "-sS", "--unix-socket", socket, "http://web/small"];
      assert.equal(await runProcess(viaSocket), "hello\n");
      const target = `127.0.0.1:${(host.address() as AddressInfo).port}`;
      const tunnel = await begin("tunnel", target, "--sandbox-port", "7100");
      const throughTunnel = async () =>
        (await tenki("sandbox exec -q -- curl -sS http://127.0.0.1:7100/")).stdout;
      assert.equal(await throughTunnel(), "from the host");
      await tenki("engine restart");
      assert.equal(await (await fetch(`${url}/small`)).text(), "hello\n");
      assert.equal(await (await fetch(`http://127.0.0.1:${port}/small`)).text(), "hello\n");
      await tunnel.says(/the tunnel is open again/);
      assert.equal(await throughTunnel(), "from the host");
      for (const { child } of lasting) {
        const ended = once(child, "exit");
        child.kill("SIGINT");
        await ended;
      }
      assert.equal(existsSync(socket), false);
      await tenki("sandbox terminate web --yes");
      await assert.rejects(fetch(url));
      await tenki("sandbox set mine");
      const { exitCode, stderr } = await tenki("sandbox expose 3000");
      assert.equal(exitCode, 1);
      assert.match(stderr, /^error: inbound access is disabled/);
    } finally {
      for (const { child } of lasting) child.kill("SIGKILL");
      host.close();
      host.closeAllConnections();
    }
  });

  it("tells what it knows of what they use, and nothing else", async () => {
    const [mine] = JSON.parse((await tenki("sandbox top --json")).stdout) as Record<string, unknown>[];
    assert.deepEqual([mine?.["name"], mine?.["network_sent_bytes"]], ["mine", 0]);
    for (const key of ["cpu_usage_us", "memory_bytes", "processes", "disk_used_bytes"])
      assert.equal(mine?.[key], null, key);
  });

  it("holds them to a list of what they may reach, which root inside cannot change", async () => {
    const world = await Place.make(`tr${process.pid % 10_000}w`, 192, { network: "198.51.100" });
    try {
      const [listed, site] = ["198.51.100.201", "198.51.100.202"];
      for (const address of [listed, site]) await world.addAddress(address);
      const zone = { "site.test": { ttl: 60, addresses: [site] } };
      await world.serve([
        { protocol: "tcp", host: "0.0.0.0", port: 18_070 },
        { protocol: "dns", host: world.address, port: 53, zone },
      ]);
      await tenki("engine stop --terminate-sessions");
      const started = await withTunnels(`--isolation namespaces --dns ${world.address}`);
      assert.equal(started.exitCode, 0, started.stderr);
      const list = `${listed}:18070,site.test:18070`;
      const created = await tenki(`sandbox create --name caged --allow-egress ${list}`);
      assert.equal(created.exitCode, 0, created.stderr);
      const asRoot = (script: string) => tenki(`sandbox exec -q --user root -c ${shellQuote(script)}`);
      const greeting = async (host: string) =>
        (await asRoot(`exec bash -c 'exec 3<>/dev/tcp/${host}/18070 && cat <&3'`)).stdout;
      const hello = `hello ${world.hostAddress}`;
      assert.equal(await greeting(listed), hello);
      assert.equal(await greeting(site), "", "nobody has asked for the name yet");
      assert.equal(await greeting("site.test"), hello);
      const attempts = [
        "nft flush ruleset",
        "nft -f /dev/null && nft add rule inet tenki leaving accept",
        `ip route replace ${world.address} dev tap0`,
        "ip address del 10.0.2.3/32 dev lo",
        "unshare --user --map-root-user --net true",
        "python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 17)'",
        "python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3)'",
      ];
      for (const attempt of attempts) {
        const { exitCode, stderr } = await asRoot(attempt);
        assert.notEqual(exitCode, 0, attempt);
        assert.match(stderr, /not permitted|denied|read-only|not implemented|not supported/i, attempt);
      }
      await tenki("engine stop");
      assert.equal((await withTunnels(`--isolation namespaces --dns ${world.address}`)).exitCode, 0);
      assert.equal(await greeting("site.test"), hello);
      assert.equal(await greeting(world.address), "");
      assert.notEqual((await asRoot("getent hosts elsewhere.test")).exitCode, 0);
      const shown = JSON.parse((await tenki("sandbox get caged --json")).stdout) as Record<string, unknown>;
      assert.deepEqual(shown["allow_egress"], list.split(","));
      assert.ok(Number(shown["egress_refused_packets"]) >= 1, JSON.stringify(shown));
      assert.ok(Number(shown["egress_refused_names"]) >= 1, JSON.stringify(shown));
    } finally {
      await tenki("engine stop --terminate-sessions");
      await world.remove();
    }
  });

  it("limits them where a cgroup is the user's own", async (t) => {
    const roots = await cgroupRoots();
    if (roots.length === 0) return t.diagnostic("not tried: this machine has no cgroup controllers");
    await tenki("engine stop --terminate-sessions");
    const group = `tenki-test-${process.pid}`;
    const own = roots.map((root) => `${root}/${group}`);
    const prepared = await tryProcess(["bash", "-ec", delegate, "delegate", user, group, ...roots]);
    try {
      assert.equal(prepared.exitCode, 0, prepared.stderr);
      const enter = own.map((path) => `echo $$ > ${path}/cgroup.procs`).join("\n");
      const started = await tryProcess(
        [
          "bash",
          "-ec",
          `${enter}\nexec setpriv --reuid ${user} --regid ${user} --init-groups --reset-env ${process.execPath} ${tree}/bin/tenki engine start --listen 127.0.0.1:0`,
        ],
        { env: { PATH: process.env["PATH"] }, cwd: home, timeoutMs: 120_000 },
      );
      assert.equal(started.exitCode, 0, started.stderr);
      await tenki("sandbox create --name bounded --memory-mb 256 --allow-outbound=false");
      const hog = await tenki(`sandbox exec -q -c 'python3 -c "x = bytearray(1_000_000_000)"'`);
      assert.notEqual(hog.exitCode, 0);
      assert.equal((await tenki("sandbox exec -q -c 'echo alive'")).stdout, "alive\n");
      await tenki("sandbox exec -q -c 'echo kept > kept'");
      const taken = await tenki("sandbox snapshot create bounded --name plain --wait-durable");
      assert.match(taken.stdout, /^durability\s*: DURABLE$/m, taken.stderr);
      const restored = await tenki("sandbox snapshot restore plain --name again --allow-outbound=false");
      assert.equal(restored.exitCode, 0, restored.stderr);
      assert.equal(
        (await tenki("sandbox exec --session again -q -c 'cat kept; hostname'")).stdout,
        "kept\nagain\n",
      );
      await tenki("sandbox terminate again --yes");
      await tenki("sandbox set bounded");
      assert.match((await tenki("sandbox pause")).stdout, /^state\s*: PAUSED$/m);
      assert.equal((await tenki("sandbox exec --resume -q -c 'echo alive'")).stdout, "alive\n");
      const [bounded] = JSON.parse((await tenki("sandbox top --json")).stdout) as Record<string, unknown>[];
      assert.equal(bounded?.["memory_limit_bytes"], 256 * 2 ** 20);
      assert.ok(Number(bounded["cpu_usage_us"]) > 0 && Number(bounded["processes"]) >= 1);
    } finally {
      await tenki("engine stop --terminate-sessions");
      // The kernel lets go of a cgroup a while after the last process in it.
      const remove = own
        .map((path) => `{ rmdir ${path}/*/* ${path}/* ${path} 2>/dev/null; [ ! -e ${path} ]; }`)
        .join(" && ");
      const isGone = async () =>
        (await tryProcess(["bash", "-c", remove])).exitCode === 0 ? true : undefined;
      assert.ok(await waitUntil(isGone, { timeoutMs: 20_000 }), "a cgroup is left");
    }
  });
});

const until = async (condition: () => Promise<boolean>): Promise<void> => {
  const seen = await waitUntil(async () => ((await condition()) ? true : undefined), { timeoutMs: 30_000 });
  assert.ok(seen);
};
