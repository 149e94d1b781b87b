import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { after, before, describe, it } from "node:test";
import { Place } from "../network/support/world.js";
import { Workbench } from "./support/tenki.js";

interface Shown {
  readonly id: string;
  readonly state: string;
  readonly allow_egress: readonly string[] | null;
  readonly egress_refused_packets: number;
  readonly egress_refused_names: number;
}

const port = 18_090;
const [named, listed, other] = ["198.51.100.70", "198.51.100.71", "198.51.100.72"];
const list = [`site.test:${port}`, `${listed}:${port}`];

describe("a sandbox that may reach what is on a list", () => {
  let bench: Workbench;
  let world: Place;
  before(async () => {
    world = await Place.make(`tx${process.pid % 10_000}w`, 64, { network: "198.51.100" });
    for (const address of [named, listed, other]) await world.addAddress(address);
    await world.serve([
      { protocol: "tcp", host: "0.0.0.0", port },
      {
        protocol: "dns",
        host: world.address,
        port: 53,
        zone: { "site.test": { ttl: 60, addresses: [named] } },
      },
    ]);
    bench = await Workbench.open();
    await bench.startEngine("--dns", world.address);
    await bench.ok(["sandbox", "create", "--name", "caged", "--allow-egress", list.join(",")]);
  });
  after(async () => {
    await bench?.close();
    await world?.remove();
  });
  const inside = (script: string, ...flags: string[]) =>
    bench.call(["sandbox", "exec", "--session", "caged", "-q", ...flags, "-c", script]);
  /** What a server says to who connects. */
  const greeting = async (host: string, ...flags: string[]) =>
    (await inside(`exec bash -c 'exec 3<>/dev/tcp/${host}/${port} && cat <&3'`, ...flags)).stdout;
  const shown = () => bench.json<Shown>(["sandbox", "get", "caged"]);
  const hello = () => `hello ${world.hostAddress}`;

  it("reaches that, by name and by address, and nothing else", async () => {
    assert.equal(await greeting("site.test"), hello());
    assert.equal(await greeting(listed), hello());
    const before = await shown();
    assert.equal(await greeting(other), "");
    assert.equal((await inside("getent hosts elsewhere.test")).code, 2);
    const after = await shown();
    assert.deepEqual(after.allow_egress, list);
    assert.ok(after.egress_refused_packets > before.egress_refused_packets);
    assert.ok(after.egress_refused_names > before.egress_refused_names);
  });

  it("is told at once what is refused", async () => {
    const { stderr } = await inside(
      `timeout 20 bash -c 'exec 3<>/dev/tcp/${other}/${port}'; echo code $? >&2`,
    );
    assert.match(stderr, /No route to host/);
    assert.match(stderr, /code 1$/m);
  });

  it("can do nothing about it as root: no route, address, rule, namespace or packet of its own making", async () => {
    const attempts = [
      `ip route add ${other}/32 dev eth0`,
      `ip address add ${other}/32 dev eth0`,
      "ip link set eth0 address 02:00:00:00:00:01",
      "ip link add dummy0 type dummy",
      "nft list ruleset",
      "nft add table inet mine",
      "iptables -P OUTPUT ACCEPT",
      "ip -6 address add fd00:7e59::2/64 dev eth0",
      "sysctl -w net.ipv4.conf.eth0.route_localnet=1",
      "unshare --net true",
      "nsenter --net=/proc/1/ns/net --mount=/proc/1/ns/mnt true",
      ...[
        "AF_INET, socket.SOCK_RAW, 17",
        "AF_INET6, socket.SOCK_RAW, 58",
        "AF_PACKET, socket.SOCK_RAW, 3",
      ].map((kind) => `python3 -c 'import socket; socket.socket(socket.${kind})'`),
      `python3 -c 'import socket; socket.socket().setsockopt(socket.SOL_SOCKET, 36, 4711)'`,
    ];
    for (const attempt of attempts) {
      const { code, stderr } = await inside(attempt, "--user", "root");
      assert.notEqual(code, 0, attempt);
      assert.match(stderr, /not permitted|denied|read-only|not implemented|not supported/i, attempt);
    }
    assert.equal(await greeting(other, "--user", "root"), "");
    assert.equal(await greeting(listed, "--user", "root"), hello());
  });

  it("does not reach the machine by any of its addresses, of either kind", async () => {
    let visitors = 0;
    const server = createServer(() => (visitors += 1)).listen(0, "::");
    await once(server, "listening");
    const at = (server.address() as AddressInfo).port;
    const own = Object.values(networkInterfaces())
      .flatMap((addresses = []) => addresses)
      .map(({ address }) => (address.startsWith("fe80:") ? `${address}%eth0` : address));
    const attempts = own.map((address) => `timeout 2 bash -c ': <>/dev/tcp/${address}/${at}'`);
    try {
      await inside(`{ ${attempts.join(" & ")} & wait; } 2>/dev/null`, "--user", "root");
      assert.equal(visitors, 0);
    } finally {
      server.close();
    }
  });

  it("is the same after the engine's restart, and after a pause", async () => {
    const before = await shown();
    await bench.ok(["engine", "restart"]);
    await bench.ok(["sandbox", "pause", "caged"]);
    await bench.ok(["sandbox", "resume", "caged"]);
    assert.deepEqual(
      [await greeting("site.test"), await greeting(listed), await greeting(other)],
      [hello(), hello(), ""],
    );
    const after = await shown();
    assert.deepEqual(after.allow_egress, list);
    assert.ok(
      before.egress_refused_packets > 0 && after.egress_refused_packets > before.egress_refused_packets,
    );
  });

  it("is refused where it cannot be held to, and nothing is left", async () => {
    const flags = ["--data-dir", `${bench.home}/unbounded`];
    await bench.ok([
      "engine",
      "start",
      "--no-context",
      "--listen",
      "127.0.0.1:0",
      "--isolation",
      "process",
      ...flags,
    ]);
    try {
      const status = await bench.json<{ endpoint: string }>(["engine", "status", ...flags]);
      const token = (await bench.ok(["engine", "token", ...flags])).trim();
      const env = { TENKI_API_ENDPOINT: status.endpoint, TENKI_API_KEY: token };
      const { code, stderr } = await bench.call(["sandbox", "create", "--allow-egress", listed], { env });
      assert.equal(code, 1);
      assert.match(stderr, /cannot hold a sandbox to a list/);
      assert.deepEqual(JSON.parse(await bench.ok(["sandbox", "list", "--json"], { env })), []);
    } finally {
      await bench.ok(["engine", "stop", "--terminate-sessions", ...flags]);
    }
  });
});
