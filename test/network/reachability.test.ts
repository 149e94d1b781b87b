import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { Network, NetworkAttachment } from "../../src/engine/core/ports/network.js";
import { runProcess } from "../../src/lib/process.js";
import { TestEngine } from "./support/engines.js";
import { dnsAnswer, listen, type Listening } from "./support/listeners.js";
import type { Target } from "./support/probe.js";
import { hostAddresses, Place, probe, probeFromHost } from "./support/world.js";

const loopbackResolver = "127.0.0.78"; // 127.0.0.1 may have one already
const metadata = "169.254.169.254";
// Its own: the host's are shared with tests that run beside these.
const ports = { tcp: 18_140, udp: 18_141 };
const namePrefix = `tn${process.pid % 10_000}`;

let world: Place;
let neighbour: Place;
let host: Listening;
let engine: TestEngine;
let other: TestEngine;
let network: Network;
let otherNetwork: Network;
let open: NetworkAttachment;
let second: NetworkAttachment;
let foreign: NetworkAttachment;
let shut: NetworkAttachment;

/** TCP and UDP at once. */
const both = (address: string, more: Partial<Target> = {}): Target[] => [
  { protocol: "tcp", host: address, port: ports.tcp, ...more },
  { protocol: "udp", host: address, port: ports.udp, ...more },
];
const names = (address: string, more: Partial<Target> = {}): Target[] => [
  { protocol: "dns-tcp", host: address, port: 53, ...more },
  { protocol: "dns-udp", host: address, port: 53, ...more },
];
const gatewayOf = ({ nameservers }: NetworkAttachment): string => nameservers[0] ?? assert.fail("no gateway");
const nothing = (results: readonly string[]) =>
  assert.deepEqual(
    results,
    results.map(() => ""),
  );

before(async () => {
  world = await Place.make(`${namePrefix}w`, 0);
  await runProcess(["ip", "-n", world.name, "address", "add", `${metadata}/32`, "dev", "lo"]);
  await runProcess(["ip", "route", "add", `${metadata}/32`, "via", world.address, "dev", world.hostLink]);
  await world.serve([
    { protocol: "tcp", host: "0.0.0.0", port: ports.tcp },
    { protocol: "udp", host: "0.0.0.0", port: ports.udp },
    { protocol: "udp", host: metadata, port: ports.udp + 1 },
    { protocol: "dns", host: world.address, port: 53 },
  ]);
  neighbour = await Place.make(`${namePrefix}n`, 64, { bridge: true });
  await neighbour.serve([
    { protocol: "tcp", host: neighbour.address, port: ports.tcp },
    { protocol: "udp", host: neighbour.address, port: ports.udp },
  ]);
  host = await listen([
    { protocol: "tcp", host: "0.0.0.0", port: ports.tcp },
    { protocol: "udp", host: "0.0.0.0", port: ports.udp },
    { protocol: "tcp", host: "::", port: ports.tcp },
    { protocol: "udp", host: "::", port: ports.udp },
    { protocol: "tcp", host: "127.0.0.1", port: ports.tcp + 10 },
    { protocol: "udp", host: "127.0.0.1", port: ports.udp + 10 },
  ]);
  engine = await TestEngine.make();
  other = await TestEngine.make();
  network = await engine.start({ dnsServers: [world.address] });
  otherNetwork = await other.start({ dnsServers: [world.address] });
  open = await network.attach({ outbound: true });
  second = await network.attach({ outbound: true, inbound: true });
  shut = await network.attach({ outbound: false, inbound: true });
  foreign = await otherNetwork.attach({ outbound: true, inbound: true });
});

after(async () => {
  await network?.close({ removeShared: true });
  await otherNetwork?.close({ removeShared: true });
  await engine?.remove();
  await other?.remove();
  await host?.close();
  await world?.remove();
  await neighbour?.remove();
});

beforeEach(async () => {
  host.arrived.length = 0;
  await world.visitors();
  await neighbour.visitors();
});

/** A sandbox of an engine whose resolver is one on the host's loopback. */
async function withLoopbackResolver(
  use: (attachment: NetworkAttachment, resolver: Listening) => Promise<void>,
): Promise<void> {
  const here = await TestEngine.make();
  const resolver = await listen([{ protocol: "dns", host: loopbackResolver, port: 53 }]);
  const its = await here.start({ dnsServers: [loopbackResolver] });
  try {
    await use(await its.attach({ outbound: true }), resolver);
  } finally {
    await its.close({ removeShared: true });
    await resolver.close();
    await here.remove();
  }
}

test("with outbound on, the world is reached, and sees the host's address", async () => {
  const results = await probe(open.handle, both(world.address));
  assert.deepEqual(results, [`hello ${world.hostAddress}`, `hello ${world.hostAddress}`]);
});

test("names are resolved through the gateway by the resolver that was named", async () => {
  assert.deepEqual(await probe(open.handle, names(gatewayOf(open))), [dnsAnswer, dnsAnswer]);
});

test("names are resolved by a resolver on the host's loopback, and nothing else of loopback is reached", async () => {
  await withLoopbackResolver(async (attachment, resolver) => {
    const gateway = gatewayOf(attachment);
    assert.deepEqual(await probe(attachment.handle, names(gateway)), [dnsAnswer, dnsAnswer]);
    // Such a resolver may answer nobody else.
    assert.ok(resolver.arrived.every((line) => line.endsWith("from 127.0.0.1")));
    nothing(
      await probe(attachment.handle, [
        ...both(gateway),
        { protocol: "tcp", host: gateway, port: ports.tcp + 10 },
        { protocol: "udp", host: gateway, port: ports.udp + 10 },
      ]),
    );
    // Loopback asked by its own address, from a guest that may do with its routes what it likes.
    await runProcess(["ip", "-n", attachment.handle, "address", "del", "127.0.0.1/8", "dev", "lo"]);
    await runProcess(["ip", "-n", attachment.handle, "route", "add", "127.0.0.1/32", "via", gateway]);
    await runProcess([
      ...["ip", "netns", "exec", attachment.handle, "sh", "-c"],
      "echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet; ip route flush table local 127.0.0.0/8; true",
    ]);
    nothing(
      await probe(attachment.handle, [
        ...both("127.0.0.1", attachment.address === undefined ? {} : { source: attachment.address }),
        { protocol: "udp", host: "127.0.0.1", port: ports.udp + 10, source: attachment.address ?? "" },
        { protocol: "dns-udp", host: "127.0.0.1", port: 53, source: attachment.address ?? "" },
      ]),
    );
    assert.deepEqual(host.arrived, []);
  });
});

test("with outbound off, nothing is reached and nothing is resolved", async () => {
  assert.deepEqual(shut.nameservers, []);
  const gateway = gatewayFor(shut);
  await runProcess(["ip", "-n", shut.handle, "route", "add", "default", "via", gateway]); // as if it could
  nothing(await probe(shut.handle, [...both(world.address), ...names(gateway), ...names(world.address)]));
  assert.deepEqual(await world.visitors(), []);
});

test("no server of the host is reached, by any of its addresses", async () => {
  const own = [...hostAddresses(), world.hostAddress, gatewayOf(open), gatewayFor(shut)];
  const control = await probeFromHost(own.flatMap((address) => both(address)));
  assert.ok(control.every((result) => result !== ""));
  host.arrived.length = 0;
  for (const { handle } of [open, shut])
    nothing(
      await probe(
        handle,
        own.flatMap((address) => both(address)),
      ),
    );
  assert.deepEqual(host.arrived, []);
});

test("sandboxes do not reach each other, of one engine or of two", async () => {
  const inside = await Promise.all([second, foreign, shut].map(({ handle }) => serveIn(handle)));
  try {
    const targets = [second, foreign, shut].map(({ address }) => address ?? assert.fail());
    const control = await probeFromHost(targets.flatMap((address) => both(address)));
    assert.ok(
      control.every((result) => result !== ""),
      "the host reaches them",
    );
    nothing(
      await probe(
        open.handle,
        targets.flatMap((address) => both(address)),
      ),
    );
  } finally {
    for (const stop of inside) await stop();
  }
});

test("link-local addresses, where clouds keep secrets, are not reached", async () => {
  const targets: Target[] = [
    { protocol: "tcp", host: metadata, port: ports.tcp },
    { protocol: "udp", host: metadata, port: ports.udp + 1 },
  ];
  assert.ok(
    (await probeFromHost(targets)).every((result) => result !== ""),
    "the host reaches them",
  );
  await world.visitors();
  nothing(await probe(open.handle, targets));
  assert.deepEqual(await world.visitors(), []);
});

test("IPv6 does not leave", async () => {
  await runProcess(["ip", "address", "add", "fd00:7e57::1/64", "dev", second.handle, "nodad"]);
  await runProcess(["ip", "-n", second.handle, "address", "add", "fd00:7e57::2/64", "dev", "eth0", "nodad"]);
  nothing(await probe(second.handle, both("fd00:7e57::1")));
  assert.deepEqual(host.arrived, []);
});

test("a source that is not its own is dropped", async () => {
  const spoofed = "203.0.113.77";
  await runProcess(["ip", "-n", second.handle, "address", "add", `${spoofed}/32`, "dev", "eth0"]);
  await probe(second.handle, both(world.address, { source: spoofed }));
  assert.deepEqual(await world.visitors(), []);
  const [control] = await probe(second.handle, both(world.address));
  assert.ok(control !== "");
});

test("what stands behind a bridge of the host's own, or behind a forwarded port, is not reached", async (t) => {
  const table = `inet ${namePrefix}ports`;
  const forwards = [
    `ip daddr ${world.hostAddress} tcp dport 18098 dnat ip to ${world.address}:${ports.tcp}`,
    `ip daddr ${world.hostAddress} tcp dport 18099 dnat ip to ${neighbour.address}:${ports.tcp}`,
  ];
  await runProcess(["nft", "-f", "-"], {
    input: `table ${table} { chain c { type nat hook prerouting priority dstnat; ${forwards.join("; ")}; }; }`,
  });
  t.after(() => runProcess(["nft", "delete", "table", ...table.split(" ")]));
  await withForwarding(neighbour, async () => {
    const published = [18_098, 18_099].map((port): Target => ({
      protocol: "tcp",
      host: world.hostAddress,
      port,
    }));
    assert.deepEqual(await probe(neighbour.name, published.slice(0, 1)), [`hello ${neighbour.address}`]);
    assert.deepEqual(await probe(world.name, published.slice(1)), [`hello ${world.address}`]);
    assert.ok((await probeFromHost(both(neighbour.address))).every((result) => result !== ""));
    // The other way round: what foreign links forward passes as it did.
    assert.deepEqual(
      await probe(neighbour.name, both(world.address)),
      both("").map(() => `hello ${neighbour.address}`),
    );
    await neighbour.visitors();
    await world.visitors();
    nothing(await probe(open.handle, [...published, ...both(neighbour.address)]));
    assert.deepEqual([...(await neighbour.visitors()), ...(await world.visitors())], []);
  });
});

test("the world does not reach a sandbox", async () => {
  const stop = await serveIn(second.handle);
  try {
    const targets = both(second.address ?? assert.fail());
    assert.ok(
      (await probeFromHost(targets)).every((result) => result !== ""),
      "the host does",
    );
    await withForwarding(world, async () => nothing(await probe(world.name, targets)));
  } finally {
    await stop();
  }
});

test("with inbound off the host's own programs do not reach a server inside, and are told at once", async () => {
  const stop = await serveIn(open.handle);
  try {
    const address = open.address ?? assert.fail();
    const asked = [...both(address), { protocol: "connect", host: address, port: ports.tcp } as const];
    assert.deepEqual(await probeFromHost(asked), ["", "", "EHOSTUNREACH"]);
  } finally {
    await stop();
  }
});

test("with inbound on they do, with outbound on or off", async () => {
  for (const { handle, address } of [second, shut]) {
    const stop = await serveIn(handle);
    try {
      const results = await probeFromHost(both(address ?? assert.fail()));
      assert.deepEqual(
        results.map((result) => result.slice(0, 6)),
        ["hello ", "hello "],
      );
    } finally {
      await stop();
    }
  }
});

test("loopback inside works, both kinds", async () => {
  const stop = await serveIn(shut.handle);
  try {
    assert.deepEqual(await probe(shut.handle, [...both("127.0.0.1"), ...both("::1")]), [
      ...both("").map(() => "hello 127.0.0.1"),
      ...both("").map(() => "hello ::1"),
    ]);
  } finally {
    await stop();
  }
});

test("connections of a former sandbox at the same address are no way out for one that is shut in", async () => {
  const here = await TestEngine.make();
  let its = await here.start({ dnsServers: [world.address] });
  const known = { sourcePort: 23_456 };
  try {
    const former = await its.attach({ outbound: true });
    const gateway = gatewayOf(former);
    const udp = both(world.address, known).slice(1);
    const dns = names(gateway, { sourcePort: 23_457 }).slice(1);
    assert.deepEqual(await probe(former.handle, [...udp, ...dns]), [`hello ${world.hostAddress}`, dnsAnswer]);
    await its.detach(former.handle);
    await its.close({ removeShared: false });
    its = await here.start({ dnsServers: [world.address] });
    const next = await its.attach({ outbound: false });
    assert.equal(next.address, former.address);
    await runProcess(["ip", "-n", next.handle, "route", "add", "default", "via", gateway]); // as if it could
    await world.visitors();
    nothing(await probe(next.handle, [...udp, ...dns]));
    assert.deepEqual(await world.visitors(), []);
  } finally {
    await its.close({ removeShared: true });
    await here.remove();
  }
});

/** The address at the host's end; a sandbox that is shut in is not told it. */
function gatewayFor({ address }: NetworkAttachment): string {
  const parts = (address ?? assert.fail()).split(".").map(Number);
  return [...parts.slice(0, 3), (parts[3] ?? 0) - 1].join(".");
}

async function serveIn(namespace: string): Promise<() => Promise<void>> {
  const servers = Place.inside(namespace);
  await servers.serve(
    ["0.0.0.0", "::"].flatMap((address) => [
      { protocol: "tcp" as const, host: address, port: ports.tcp },
      { protocol: "udp" as const, host: address, port: ports.udp },
    ]),
  );
  return () => servers.stop();
}

/** As if the host's other firewall, where there is one, let pass what comes from a place or goes to it. */
async function withForwarding(place: Place, use: () => Promise<void>): Promise<void> {
  const rules = ["-i", "-o"].map((side) => ["FORWARD", side, place.hostLink, "-j", "ACCEPT"]);
  for (const rule of rules) await runProcess(["iptables", "-w", "5", "-I", ...rule]);
  try {
    await use();
  } finally {
    for (const rule of rules) await runProcess(["iptables", "-w", "5", "-D", ...rule]);
  }
}
