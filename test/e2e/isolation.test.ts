import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Workbench } from "./support/tenki.js";

/** The capabilities that a sandbox may have at most, and their bits. */
const byName: Readonly<Record<string, number>> = {
  CHOWN: 0,
  DAC_OVERRIDE: 1,
  FOWNER: 3,
  FSETID: 4,
  KILL: 5,
  SETGID: 6,
  SETUID: 7,
  SETPCAP: 8,
  NET_BIND_SERVICE: 10,
  SYS_CHROOT: 18,
  AUDIT_WRITE: 29,
  SETFCAP: 31,
};
const bounded = Object.values(byName).reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n);

describe("isolation", () => {
  let bench: Workbench;
  before(async () => {
    bench = await Workbench.open();
    await bench.startEngine();
    await bench.ok(["sandbox", "create", "--name", "cage", "--memory-mb", "512", "--disk-size-gb", "5"]);
  });
  after(() => bench.close());
  const inside = (script: string, ...flags: string[]) =>
    bench.call(["sandbox", "exec", "--session", "cage", "-q", ...flags, "-c", script], {
      timeoutMs: 120_000,
    });

  it("bounds capabilities and filters system calls, for init and for what is started", async () => {
    for (const flags of [[], ["--user", "root"]]) {
      for (const process of ["1", "self"]) {
        const { stdout } = await inside(`cat /proc/${process}/status`, ...flags);
        assert.match(stdout, /^Seccomp:\t2$/m);
        const mask = BigInt(`0x${/^CapBnd:\t([0-9a-f]+)$/m.exec(stdout)?.[1] ?? "f".repeat(16)}`);
        assert.equal(mask & ~bounded, 0n, `more than is meant: ${mask.toString(16)}`);
      }
    }
    const { stdout } = await inside("grep CapEff /proc/self/status");
    assert.match(stdout, /0000000000000000/);
  });

  it("refuses what would lead out", async () => {
    for (const attempt of [
      "mount -t tmpfs none /mnt",
      "unshare --mount true",
      "unshare --user true",
      "mknod /tmp/disk b 8 0",
      "nsenter --target 1 --mount true",
      "dmesg",
      "chroot /proc/1/root/../../.. test -e /proc/1/root/lost",
      "echo 1 > /proc/sys/kernel/panic",
      "echo c > /proc/sysrq-trigger",
      "hostname other",
      "ip link add dummy0 type dummy",
    ]) {
      const { code } = await inside(attempt, "--user", "root");
      assert.notEqual(code, 0, `allowed: ${attempt}`);
    }
  });

  it("shows nothing of the host's files and processes", async () => {
    const secret = join(bench.home, "host-secret");
    writeFileSync(secret, "secret");
    assert.notEqual((await inside(`cat ${secret}`, "--user", "root")).code, 0);
    assert.equal((await inside("cat /etc/shadow | grep -c '[$]'", "--user", "root")).stdout, "0\n");
    assert.equal(
      (await inside("ls -A /root /srv /mnt /media", "--user", "root")).stdout.includes("host"),
      false,
    );
    const processes = await inside("ls -d /proc/[0-9]* | wc -l", "--user", "root");
    assert.ok(Number(processes.stdout) < 12, `it sees ${processes.stdout} processes`);
    assert.notEqual((await inside(`kill -0 ${process.pid}`, "--user", "root")).code, 0);
  });

  it("has no way to the host's services, by loopback or by its own addresses", async () => {
    const server = createServer((_, response) => response.end("host")).listen(0, "0.0.0.0");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
      const addresses = own.filter((each) => each.family === "IPv4").map((each) => each.address);
      const gateway = (await inside("ip route | awk '/default/{print $3}'")).stdout.trim();
      const reach = `(timeout 2 bash -c "exec 3<>/dev/tcp/$address/${port}" 2>/dev/null && echo $address) &`;
      const all = [...addresses, gateway].join(" ");
      const { code, stdout } = await inside(`for address in ${all}; do ${reach} done; wait`);
      assert.deepEqual([code, stdout], [0, ""], "the host was reached");
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  it("lets two sandboxes listen on one port, and not reach each other", async () => {
    await bench.ok(["sandbox", "create", "--name", "other"]);
    const serve = (name: string) =>
      `mkdir -p www && echo ${name} > www/index.html && (cd www && exec setsid python3 -m http.server 3000 >/dev/null 2>&1 </dev/null &)`;
    const fetch = "for i in $(seq 100); do curl -s http://127.0.0.1:3000/ && exit 0; sleep 0.1; done; exit 1";
    for (const name of ["cage", "other"]) {
      await bench.ok(["sandbox", "exec", "--session", name, "-q", "-c", serve(name)]);
    }
    for (const name of ["cage", "other"]) {
      assert.equal(await bench.ok(["sandbox", "exec", "--session", name, "-q", "-c", fetch]), `${name}\n`);
    }
    const address = (
      await bench.ok(["sandbox", "exec", "--session", "other", "-q", "-c", "hostname -I"])
    ).trim();
    assert.notEqual(address, "");
    const { code } = await inside(`timeout 2 bash -c 'exec 3<>/dev/tcp/${address}/3000'`);
    assert.notEqual(code, 0, "one sandbox reached another");
    await bench.ok(["sandbox", "terminate", "--yes", "other"]);
  });

  it("survives a fork bomb, which ends by itself or by its time", async () => {
    await inside("bomb() { bomb | bomb & }; bomb; sleep 2", "--timeout", "5s");
    assert.equal((await inside("echo alive")).stdout, "alive\n");
    assert.equal((await inside("pgrep -c bash || true", "--timeout", "20s")).code, 0);
  });

  it("ends a memory hog, and nothing else", async () => {
    const hog = await inside("python3 -c 'x = bytearray(2_000_000_000); print(len(x))'");
    assert.notEqual(hog.code, 0);
    assert.equal((await inside("echo alive")).stdout, "alive\n");
    assert.match(await bench.ok(["sandbox", "get", "--session", "cage"]), /^state\s*: RUNNING$/m);
  });

  it("holds the disk's size", async () => {
    const { code, stderr } = await inside("dd if=/dev/zero of=big bs=1M count=6000 status=none");
    assert.notEqual(code, 0);
    assert.match(stderr, /No space left on device/);
    assert.equal((await inside("rm big && echo fits > small && cat small")).stdout, "fits\n");
  });

  it("lets its user become root, and install packages that stay inside", async () => {
    assert.equal((await inside("sudo -n id -u")).stdout, "0\n");
    const script = `mkdir -p p/DEBIAN p/usr/bin && printf 'Package: tenki-probe\\nVersion: 1\\nArchitecture: all\\nMaintainer: nobody <n@example.com>\\nDescription: probe\\n' > p/DEBIAN/control && printf '#!/bin/sh\\necho probed\\n' > p/usr/bin/tenki-probe && chmod 755 p/usr/bin/tenki-probe && dpkg-deb -b p probe.deb >/dev/null && sudo apt-get install -y ./probe.deb >/dev/null 2>&1; tenki-probe`;
    assert.equal((await inside(script)).stdout, "probed\n");
    const { existsSync } = await import("node:fs");
    assert.equal(existsSync("/usr/bin/tenki-probe"), false);
  });
});
