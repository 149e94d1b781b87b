import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { type EgressRule, readEgressRule } from "../../src/domain/egress.js";
import type { Network, NetworkAttachment } from "../../src/engine/core/ports/network.js";
import { runProcess } from "../../src/lib/process.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { TestEngine } from "./support/engines.js";
import { listen } from "./support/listeners.js";
import type { Target } from "./support/probe.js";
import { Place, probe } from "./support/world.js";

const ports = { tcp: 18_080, udp: 18_081 };
const [site, otherSite, moved, privateSite] = ["198.51.100.2", "198.51.100.3", "198.51.100.4", "10.77.7.1"];
const metadata = "169.254.77.7";
const everywhere = [site, otherSite, moved, privateSite];
const many = Array.from({ length: 50 }, (_, index) => `n${index}.many.test`);

let world: Place;
let engine: TestEngine;
let network: Network;

const zone = {
  "example.test": { ttl: 60, addresses: [moved] },
  "site.test": { ttl: 60, addresses: [site] },
  "below.site.test": { ttl: 60, addresses: [otherSite] },
  "short.test": { ttl: 4, addresses: [site] },
  "several.test": { ttl: 60, addresses: [site, otherSite, moved] },
  "private.test": { ttl: 60, addresses: [privateSite] },
  "inner.test": {
    ttl: 60,
    addresses: ["127.0.0.1", metadata, "198.19.0.1", "0.0.0.0", "224.0.0.1", privateSite, site],
  },
  ...Object.fromEntries(many.map((name) => [name, { ttl: 60, addresses: [site] }])),
};

const list = (...words: string[]): EgressRule[] =>
  words.map((word) => readEgressRule(word) ?? assert.fail(word));
const attach = (...words: string[]): Promise<NetworkAttachment> =>
  network.attach({ outbound: true, egress: list(...words) });
const tcp = (host: string, port = ports.tcp): Target => ({ protocol: "tcp", host, port });
const udp = (host: string, more: Partial<Target> = {}): Target => ({
  protocol: "udp",
  host,
  port: ports.udp,
  ...more,
});
const ask = ({ handle, nameservers }: NetworkAttachment, ...names: string[]): Promise<string[]> =>
  probe(
    handle,
    names.map((name) => ({ protocol: "name", host: nameservers[0] ?? assert.fail(), port: 53, name })),
  );
const reaches = async ({ handle }: NetworkAttachment, ...targets: Target[]): Promise<boolean[]> =>
  (await probe(handle, targets)).map((answer) => answer !== "");
const refused = async ({ handle }: NetworkAttachment) =>
  (await network.refused(handle)) ?? assert.fail("no list");

before(async () => {
  world = await Place.make(`te${process.pid % 10_000}w`, 0, { network: "198.51.100" });
  for (const address of [...everywhere, metadata]) await world.addAddress(address);
  await world.serve([
    { protocol: "tcp", host: "0.0.0.0", port: ports.tcp },
    { protocol: "tcp", host: "0.0.0.0", port: ports.tcp + 2 },
    // Each at its own address: a server at all of them answers from the first.
    ...[world.address, ...everywhere].map((host) => ({ protocol: "udp" as const, host, port: ports.udp })),
    { protocol: "dns", host: world.address, port: 53, zone },
    { protocol: "dns", host: otherSite, port: 53 },
  ]);
  engine = await TestEngine.make();
  network = await engine.start({ dnsServers: [world.address], openSeconds: 1 });
});

after(async () => {
  await network?.close({ removeShared: true });
  await engine?.remove();
  await world?.remove();
});

beforeEach(() => world.visitors());

test("addresses and networks on the list are reached, at their ports, and nothing else is", async () => {
  const sandbox = await attach(`${site}:${ports.tcp}`, `${otherSite}:18000-18079`, "10.77.0.0/16");
  const results = await reaches(
    sandbox,
    ...[tcp(site), tcp(privateSite), udp(privateSite), tcp(privateSite, ports.tcp + 2)],
    ...[
      udp(site),
      tcp(site, ports.tcp + 2),
      tcp(otherSite),
      udp(otherSite),
      tcp(moved),
      tcp(world.hostAddress),
    ],
  );
  assert.deepEqual(results, [true, true, true, true, false, false, false, false, false, false]);
  assert.equal((await world.visitors()).length, 4);
  const { packets, names } = await refused(sandbox);
  assert.ok(packets >= 6, `${packets} packets were refused`);
  assert.equal(names, 0);
});

test("what is refused fails at once, and says that it is not allowed", async () => {
  const sandbox = await attach(site);
  const [there, refusal] = await probe(sandbox.handle, [
    { protocol: "connect", host: site, port: ports.tcp },
    { protocol: "connect", host: otherSite, port: ports.tcp },
  ]);
  assert.equal(there, "connected");
  assert.equal(refusal, "EHOSTUNREACH");
});

test("a name on the list is answered, and opens what it leads to at its ports", async () => {
  const sandbox = await attach(`site.test:${ports.tcp}`);
  assert.deepEqual(await reaches(sandbox, tcp(site)), [false], "nobody has asked for the name yet");
  assert.deepEqual(await ask(sandbox, "site.test", "SITE.test"), [site, site]);
  const results = await reaches(sandbox, tcp(site), tcp(site, ports.tcp + 2), udp(site), tcp(otherSite));
  assert.deepEqual(results, [true, false, false, false]);
});

test("a name that is not on the list is answered by nobody, and counted", async () => {
  const sandbox = await attach("site.test", "*.many.test");
  assert.deepEqual(
    await ask(sandbox, "below.site.test", "several.test", "many.test", "n1.many.test.evil.test"),
    ["ENOTFOUND", "ENOTFOUND", "ENOTFOUND", "ENOTFOUND"],
  );
  assert.deepEqual(await ask(sandbox, "n1.many.test"), [site]);
  assert.equal((await refused(sandbox)).names, 4);
  const asked = (await world.visitors()).filter((line) => line.startsWith("dns"));
  assert.equal(asked.length, 1, "only the allowed name was asked of the world");
});

test("a list with no name at all answers none", async () => {
  const sandbox = await attach(site);
  assert.deepEqual(await ask(sandbox, "site.test"), ["ENOTFOUND"]);
});

test("other resolvers, and addresses that are known already, are no way around it", async () => {
  const sandbox = await attach("site.test", "*.many.test");
  const dns = [world.address, otherSite, moved].flatMap((host): Target[] => [
    { protocol: "dns-udp", host, port: 53 },
    { protocol: "dns-tcp", host, port: 53 },
  ]);
  assert.ok((await reaches(sandbox, ...dns, tcp(otherSite), udp(otherSite))).every((reached) => !reached));
  assert.deepEqual(await world.visitors(), []);
  assert.ok((await refused(sandbox)).packets >= dns.length);
});

test("questions by TCP are answered as those by UDP are", async () => {
  const sandbox = await attach("example.test");
  const gateway = sandbox.nameservers[0] ?? assert.fail();
  const [answer] = await probe(sandbox.handle, [{ protocol: "dns-tcp", host: gateway, port: 53 }]);
  assert.equal(answer, moved);
});

test("a name opens nothing that is the machine's own, or behind somebody's door", async () => {
  const sandbox = await attach("inner.test", "private.test");
  assert.deepEqual(await ask(sandbox, "inner.test", "private.test"), [site, "ENODATA"]);
  assert.deepEqual(await reaches(sandbox, tcp(site), tcp(privateSite), tcp(metadata)), [true, false, false]);
  const trusting = await attach("private.test", "10.0.0.0/8");
  assert.deepEqual(await ask(trusting, "private.test"), [privateSite]);
  assert.deepEqual(await reaches(trusting, tcp(privateSite)), [true]);
});

test("the host, loopback, link-local and other sandboxes are closed whatever the list says", async () => {
  const host = await listen([{ protocol: "tcp", host: "0.0.0.0", port: ports.tcp }]);
  const neighbour = await attach("0.0.0.0/0");
  const server = Place.inside(neighbour.handle);
  await server.serve([{ protocol: "tcp", host: "0.0.0.0", port: ports.tcp }]);
  try {
    const sandbox = await attach("0.0.0.0/0");
    const closed = [world.hostAddress, sandbox.nameservers[0] ?? "", neighbour.address ?? "", metadata];
    assert.deepEqual(await reaches(sandbox, tcp(site), ...closed.map((address) => tcp(address))), [
      true,
      ...closed.map(() => false),
    ]);
    assert.deepEqual(host.arrived, []);
    assert.ok((await refused(sandbox)).packets >= closed.length);
  } finally {
    await server.stop();
    await host.close();
  }
});

test("IPv6 says nothing and leads nowhere", async () => {
  const sandbox = await attach("site.test", "0.0.0.0/0");
  await runProcess(["ip", "address", "add", "fd00:7e58::1/64", "dev", sandbox.handle, "nodad"]);
  await runProcess(["ip", "-n", sandbox.handle, "address", "add", "fd00:7e58::2/64", "dev", "eth0", "nodad"]);
  const host = await listen([{ protocol: "tcp", host: "::", port: ports.tcp }]);
  try {
    assert.deepEqual(await reaches(sandbox, tcp("fd00:7e58::1")), [false]);
    assert.deepEqual(host.arrived, []);
  } finally {
    await host.close();
  }
});

test("what a name led to closes when its time is over, and opens again when it is asked for", async () => {
  const sandbox = await attach("short.test");
  assert.deepEqual(await ask(sandbox, "short.test"), [site]);
  assert.deepEqual(await reaches(sandbox, udp(site)), [true]);
  const isClosed = async () => ((await reaches(sandbox, tcp(site)))[0] === true ? undefined : true);
  assert.ok(await waitUntil(isClosed, { timeoutMs: 20_000 }), "it closes");
  assert.deepEqual(await ask(sandbox, "short.test"), [site]);
  assert.deepEqual(await reaches(sandbox, tcp(site)), [true]);
});

test("fifty names at once, each with its way", async () => {
  const sandbox = await attach(
    ...many.map((name, index) => `${name}:${index % 2 === 0 ? ports.tcp : ports.udp}`),
  );
  assert.deepEqual(
    await ask(sandbox, ...many),
    many.map(() => site),
  );
  assert.deepEqual(await reaches(sandbox, tcp(site), udp(site), tcp(site, ports.tcp + 2)), [
    true,
    true,
    false,
  ]);
});

test("what is no question is not answered, and does not keep others from being", async () => {
  const sandbox = await attach("site.test");
  const gateway = sandbox.nameservers[0] ?? assert.fail();
  const send = `const s=require("dgram").createSocket("udp4");let n=0;
    for (let i=0;i<300;i++) s.send(require("crypto").randomBytes(i), 53, "${gateway}", () => ++n===300 && s.close());`;
  await runProcess(["ip", "netns", "exec", sandbox.handle, process.execPath, "-e", send]);
  assert.deepEqual(await ask(sandbox, "site.test"), [site]);
});

test("connections of a former sandbox at the same address are no way around the list of the next", async () => {
  const here = await TestEngine.make();
  let its = await here.start({ dnsServers: [world.address] });
  const known = { sourcePort: 23_461 };
  try {
    const former = await its.attach({ outbound: true });
    assert.deepEqual(await probe(former.handle, [udp(otherSite, known)]), [`hello ${world.hostAddress}`]);
    await its.detach(former.handle);
    await its.close({ removeShared: false });
    its = await here.start({ dnsServers: [world.address] });
    const next = await its.attach({ outbound: true, egress: list(site) });
    assert.equal(next.address, former.address);
    await world.visitors();
    assert.deepEqual(await probe(next.handle, [udp(otherSite, known), udp(site)]), [
      "",
      `hello ${world.hostAddress}`,
    ]);
    assert.equal((await world.visitors()).length, 1);
  } finally {
    await its.close({ removeShared: true });
    await here.remove();
  }
});

test("a source that is not its own, and routes of its own making, are no way around it", async () => {
  const sandbox = await attach(site);
  const open = await network.attach({ outbound: true });
  await runProcess(["ip", "-n", sandbox.handle, "address", "add", `${open.address ?? ""}/32`, "dev", "eth0"]);
  const spoofed = { source: open.address ?? "" };
  assert.deepEqual(await reaches(sandbox, udp(otherSite, spoofed), udp(site, spoofed), udp(site)), [
    false,
    false,
    true,
  ]);
  assert.deepEqual(await world.visitors(), [`udp ${site}:${ports.udp} from ${world.hostAddress}`]);
});

test("after a restart the list holds, what was open is open, and the counts go on", async () => {
  const here = await TestEngine.make();
  let its = await here.start({ dnsServers: [world.address] });
  try {
    const egress = list("site.test", "several.test:18080");
    const sandbox = await its.attach({ outbound: true, egress });
    assert.deepEqual(await ask(sandbox, "site.test", "elsewhere.test"), [site, "ENOTFOUND"]);
    assert.deepEqual(await reaches(sandbox, tcp(site), tcp(otherSite)), [true, false]);
    const before = (await its.refused(sandbox.handle)) ?? assert.fail();
    await its.close({ removeShared: false });
    assert.deepEqual(await reaches(sandbox, tcp(site), tcp(otherSite)), [true, false], "without an engine");
    its = await here.start(
      { dnsServers: [world.address] },
      new Map([[sandbox.handle, { outbound: true, egress }]]),
    );
    assert.deepEqual(await reaches(sandbox, tcp(site), tcp(otherSite)), [true, false]);
    const after = (await its.refused(sandbox.handle)) ?? assert.fail();
    assert.ok(before.packets > 0 && after.packets > before.packets);
    assert.equal(after.names, before.names);
    assert.deepEqual(await ask(sandbox, "several.test", "elsewhere.test"), [
      [site, otherSite, moved].join(" "),
      "ENOTFOUND",
    ]);
    assert.deepEqual(await reaches(sandbox, tcp(otherSite), udp(otherSite)), [true, false]);
    assert.equal((await its.refused(sandbox.handle))?.names, before.names + 1);
  } finally {
    await its.close({ removeShared: true });
    await here.remove();
  }
});

test("a sandbox whose questions cannot be heard again after a restart has no way out, and the others have theirs", async () => {
  const here = await TestEngine.make();
  let its = await here.start({ dnsServers: [world.address] });
  try {
    const policy = { outbound: true, egress: list(site) };
    const [lost, kept] = [await its.attach(policy), await its.attach(policy)];
    await its.close({ removeShared: false });
    await runProcess(["ip", "address", "flush", "dev", lost.handle]);
    its = await here.start(
      { dnsServers: [world.address] },
      new Map([lost, kept].map(({ handle }) => [handle, policy])),
    );
    await runProcess(["ip", "address", "add", `${lost.nameservers[0] ?? ""}/31`, "dev", lost.handle]);
    assert.deepEqual([await reaches(lost, udp(site)), await reaches(kept, udp(site))], [[false], [true]]);
  } finally {
    await its.close({ removeShared: true });
    await here.remove();
  }
});

test("rules that somebody flushes come back with the list, what it opened and its counts", async () => {
  const sandbox = await attach("site.test");
  assert.deepEqual(await ask(sandbox, "site.test", "evil.test"), [site, "ENOTFOUND"]);
  const before = await refused(sandbox);
  await runProcess(["nft", "delete", "table", "inet", `tenki_${engine.instanceId}`]);
  const isBack = async () => ((await reaches(sandbox, tcp(otherSite)))[0] === true ? undefined : true);
  assert.ok(await waitUntil(isBack, { timeoutMs: 20_000 }));
  assert.deepEqual(await reaches(sandbox, tcp(site), tcp(otherSite)), [true, false]);
  const after = await refused(sandbox);
  assert.ok(after.names === before.names && after.packets >= before.packets);
});

test("with the sandbox its part of the rules goes", async () => {
  const sandbox = await attach("site.test:80", "several.test");
  const number = sandbox.handle.split("-")[1] ?? assert.fail();
  const rules = () => runProcess(["nft", "list", "table", "inet", `tenki_${engine.instanceId}`]);
  assert.match(await rules(), new RegExp(`egress_${number}\\b`));
  await network.detach(sandbox.handle);
  const isGone = async () =>
    new RegExp(`(egress|questions|refused|unnamed)_${number}\\b|names_${number}_|"${sandbox.handle}"`).test(
      await rules(),
    )
      ? undefined
      : true;
  assert.ok(await waitUntil(isGone, { timeoutMs: 10_000 }));
  assert.equal(await network.refused(sandbox.handle), undefined);
});
