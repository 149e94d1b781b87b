import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { checkNetwork } from "../../src/engine/network/checks.js";
import { TenkiError } from "../../src/domain/error.js";
import { runProcess } from "../../src/lib/process.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { TestEngine } from "./support/engines.js";
import { dnsAnswer, listen } from "./support/listeners.js";
import type { Target } from "./support/probe.js";
import { Place, probe, probeFromHost } from "./support/world.js";

let world: Place;
let engine: TestEngine;
const engines: TestEngine[] = [];

const newEngine = async (idStart?: string): Promise<TestEngine> => {
  const made = await TestEngine.make(idStart);
  engines.push(made);
  return made;
};
const start = (
  of: TestEngine,
  options: { dnsServers?: readonly string[]; ready?: number } = {},
  keep: Parameters<TestEngine["start"]>[1] = [],
) => of.start({ dnsServers: [world.address], ...options }, keep);
const reachesWorld = async (handle: string): Promise<boolean> => {
  const target: Target = { protocol: "tcp", host: world.address, port: 18_080 };
  return (await probe(handle, [target])).every((result) => result !== "");
};

before(async () => {
  world = await Place.make(`tl${process.pid % 10_000}w`, 128);
  await world.serve([
    { protocol: "tcp", host: "0.0.0.0", port: 18_080 },
    { protocol: "dns", host: world.address, port: 53 },
  ]);
});
after(() => world?.remove());
beforeEach(async () => {
  engine = await newEngine();
});
afterEach(async () => {
  for (const made of engines.splice(0)) await made.remove();
});

test("what it needs is found on this machine", async () => {
  for (const finding of await checkNetwork()) assert.ok(finding.ok || !finding.required, finding.detail);
});

test("after the end nothing of it is left, shared parts included", async () => {
  const network = await start(engine, { ready: 2 });
  const attached = [await network.attach({ outbound: true }), await network.attach({ outbound: false })];
  const during = await engine.traces();
  const drops = (await runProcess(["iptables", "-S", "FORWARD"])).includes("-P FORWARD DROP\n");
  const listed = drops ? ["iptables -A FORWARD"] : []; // as docker's policy has it, and a machine without one has not
  for (const part of ["link tk", "namespace tk", "table inet", "route 198.19.", ...listed])
    assert.ok(
      during.some((line) => line.startsWith(part)),
      `${part} is there while it runs`,
    );
  await network.detach(attached[0]?.handle ?? "");
  await network.detach(attached[0]?.handle ?? ""); // a handle that is gone is a success
  await network.close({ removeShared: true });
  assert.deepEqual(await engine.traces(), []);
});

test("somebody else's rules stay as they are", async () => {
  const foreign = async () =>
    (await runProcess(["iptables", "-S"])).split("\n").filter((line) => !line.includes("tenki-"));
  const rules = await foreign();
  const network = await start(engine);
  assert.deepEqual(await foreign(), rules);
  await network.close({ removeShared: true });
  assert.deepEqual(await foreign(), rules);
});

test("sandboxes that stay keep their network over the end of the engine", async () => {
  const network = await start(engine, { ready: 3 });
  const { handle } = await network.attach({ outbound: true });
  await network.close({ removeShared: false });
  assert.deepEqual(await engine.linkNames(), [handle], "what was kept ready is gone");
  assert.ok(await reachesWorld(handle));
});

test("after a crash what is kept works as it did, and all else is removed", async () => {
  const crashed = await start(engine, { ready: 2 });
  const [open, shut, lost] = [
    await crashed.attach({ outbound: true }),
    await crashed.attach({ outbound: false }),
    await crashed.attach({ outbound: true }),
  ];
  assert.ok(open.address !== undefined);
  const restarted = await start(engine, {}, [open.handle, shut.handle]);
  // The object that "crashed" may still be keeping ready what it had begun; it is not part of the check.
  await waitUntil(async () => ((await engine.linkNames()).includes(lost.handle) ? undefined : true), {
    timeoutMs: 5_000,
  });
  assert.ok(!(await engine.linkNames()).includes(lost.handle));
  assert.ok(await reachesWorld(open.handle));
  await runProcess(["ip", "-n", shut.handle, "route", "add", "default", "via", gatewayOf(shut.address)]);
  assert.ok(!(await reachesWorld(shut.handle)));
  assert.deepEqual(await probe(open.handle, names(open.nameservers[0] ?? "")), [dnsAnswer, dnsAnswer]);
  const next = await restarted.attach({ outbound: true });
  assert.ok(![open.address, shut.address].includes(next.address));
  assert.ok(await reachesWorld(next.handle));
  await restarted.detach(open.handle);
  await restarted.close({ removeShared: true });
});

test("after a crash and a flush the host reaches those that it reached before, and no others", async () => {
  const crashed = await start(engine, { ready: 0 });
  const [entered, left] = [
    await crashed.attach({ outbound: true, inbound: true }),
    await crashed.attach({ outbound: true }),
  ];
  const policies = new Map(
    [entered, left].map((one) => [one.handle, { outbound: true, inbound: one === entered }]),
  );
  const restarted = await start(engine, {}, policies);
  const tried = () =>
    probeFromHost(
      [entered, left].map(({ address = "" }) => ({ protocol: "connect", host: address, port: 9 })),
    );
  assert.deepEqual(await tried(), ["ECONNREFUSED", "EHOSTUNREACH"]);
  await runProcess(["nft", "delete", "table", "inet", `tenki_${engine.instanceId}`]);
  await waitUntil(async () => ((await tried())[1] === "EHOSTUNREACH" ? true : undefined), {
    timeoutMs: 15_000,
  });
  assert.deepEqual(await tried(), ["ECONNREFUSED", "EHOSTUNREACH"]);
  await restarted.close({ removeShared: true });
});

test("after a crash the addresses are kept, whatever has become of the file or the routes", async () => {
  const crashed = await start(engine);
  const { handle, address } = await crashed.attach({ outbound: true });
  await writeFile(join(engine.dataDir, "network.json"), '{"range":"198.');
  const wide = [`198.19.${blockOf(address) * 16}.0/21`, "via", world.address];
  await runProcess(["ip", "route", "add", ...wide]);
  try {
    const restarted = await start(engine, {}, [handle]);
    assert.ok(await reachesWorld(handle));
    const next = await restarted.attach({ outbound: true });
    assert.equal(blockOf(next.address), blockOf(address));
    await restarted.close({ removeShared: true });
  } finally {
    await runProcess(["ip", "route", "del", ...wide]);
  }
});

test("a damaged file without an engine's traces is written anew", async () => {
  await writeFile(join(engine.dataDir, "network.json"), "\0\0");
  const network = await start(engine);
  const { range } = JSON.parse(await readFile(join(engine.dataDir, "network.json"), "utf8")) as {
    range: string;
  };
  const { address } = await network.attach({ outbound: true });
  assert.equal(blockOf(address), blockOf(range.split("/")[0]));
  await network.close({ removeShared: true });
});

test("a range with somebody else's route is not chosen", async () => {
  const first = await start(engine);
  const { address } = await first.attach({ outbound: true });
  await first.close({ removeShared: true });
  const taken = ["route", "add", "unreachable", `198.19.${blockOf(address) * 16 + 3}.0/24`];
  await runProcess(["ip", ...taken]);
  try {
    const second = await start(engine);
    const next = await second.attach({ outbound: true });
    assert.notEqual(blockOf(next.address), blockOf(address));
    await second.close({ removeShared: true });
  } finally {
    await runProcess(["ip", ...taken.with(1, "del")]);
  }
});

test("a way to half of the world takes no range away, as a VPN's does not", async () => {
  // In a table that nobody asks: the machine's own packets go where they went.
  const half = ["128.0.0.0/1", "dev", world.hostLink, "table", "7357"];
  await runProcess(["ip", "route", "add", ...half]);
  try {
    await (await start(engine)).close({ removeShared: true });
  } finally {
    await runProcess(["ip", "route", "del", ...half]);
  }
});

test("engines that start at once take ranges of their own, also where their ids ask for the same", async () => {
  const others = await Promise.all(Array.from({ length: 4 }, () => newEngine("7e57")));
  const networks = await Promise.all(others.map((other) => start(other)));
  const attached = await Promise.all(networks.map((network) => network.attach({ outbound: true })));
  const blocks = attached.map(({ address }) => blockOf(address));
  assert.equal(new Set(blocks).size, blocks.length);
  for (const { handle } of attached) assert.ok(await reachesWorld(handle));
  await Promise.all(networks.map((network) => network.close({ removeShared: true })));
});

test("fifty come and go at once", async () => {
  const network = await start(engine, { ready: 4 });
  const attached = await Promise.all(
    Array.from({ length: 50 }, (_, index) => network.attach({ outbound: index % 2 === 0 })),
  );
  assert.equal(new Set(attached.map(({ handle }) => handle)).size, 50);
  assert.equal(new Set(attached.map(({ address }) => address)).size, 50);
  assert.ok(await reachesWorld(attached[0]?.handle ?? ""));
  await Promise.all(attached.map(({ handle }) => network.detach(handle)));
  await network.close({ removeShared: true });
  assert.deepEqual(await engine.traces(), []);
});

test("a number is not given away while its link is there, and a second detach meets nobody", async () => {
  const network = await start(engine);
  const { handle } = await network.attach({ outbound: true });
  const holder = await holdNamespace(handle);
  try {
    await Promise.all([network.detach(handle), network.detach(handle)]);
    assert.ok((await engine.linkNames()).includes(handle), "the link lingers with the process inside");
    const next = await Promise.all(Array.from({ length: 3 }, () => network.attach({ outbound: true })));
    assert.ok(next.every((one) => one.handle !== handle));
    await network.detach(handle);
    for (const one of next) assert.ok(await reachesWorld(one.handle));
  } finally {
    await holder();
  }
  await network.close({ removeShared: true });
  assert.deepEqual(await engine.traces(), []);
});

test("a handle that was never attached is nobody's", async () => {
  const network = await start(engine, { ready: 1 });
  const link = await waitUntil(async () => (await engine.linkNames())[0], { timeoutMs: 5_000 });
  await network.detach(link ?? "");
  await network.detach("../../etc");
  await network.detach("eth0");
  assert.ok((await engine.linkNames()).includes(link ?? ""));
  const { handle } = await network.attach({ outbound: true });
  assert.ok(await reachesWorld(handle));
  await network.close({ removeShared: true });
});

test("rules that cannot be set leave nothing half-made", async () => {
  const tools = await mkdtemp(join(tmpdir(), "tenki-tools-"));
  const path = process.env["PATH"] ?? "";
  const find = async (tool: string) => (await runProcess(["sh", "-c", `command -v ${tool}`])).trim();
  for (const tool of ["ip", "nft", "iptables"]) await symlink(await find(tool), join(tools, tool));
  const network = await start(engine);
  process.env["PATH"] = tools;
  try {
    await unlink(join(tools, "nft"));
    await assert.rejects(network.attach({ outbound: true }), /nft/);
  } finally {
    process.env["PATH"] = path;
    await rm(tools, { recursive: true });
  }
  const gone = await waitUntil(async () => ((await engine.linkNames()).length === 0 ? true : undefined), {
    timeoutMs: 5_000,
  });
  assert.ok(gone);
  assert.ok(!(await engine.traces()).some((line) => line.startsWith("namespace")));
  const { handle } = await network.attach({ outbound: true });
  assert.ok(await reachesWorld(handle), "it works again when they can");
  await network.close({ removeShared: true });
});

test("another resolver is followed when the next sandbox comes, by those that run too", async () => {
  const dnsServers = [world.address];
  const network = await start(engine, { dnsServers, ready: 1 });
  const before = await network.attach({ outbound: true });
  assert.deepEqual(await probe(before.handle, names(before.nameservers[0] ?? "")), [dnsAnswer, dnsAnswer]);
  await world.visitors();
  const resolver = await listen([{ protocol: "dns", host: "127.0.0.79", port: 53 }]);
  try {
    dnsServers[0] = "127.0.0.79";
    const next = await network.attach({ outbound: true });
    for (const { handle, nameservers } of [next, before])
      assert.deepEqual(await probe(handle, names(nameservers[0] ?? "")), [dnsAnswer, dnsAnswer]);
    assert.equal(resolver.arrived.length, 4);
    assert.deepEqual(await world.visitors(), []);
  } finally {
    await resolver.close();
  }
  await network.close({ removeShared: true });
});

test("a name server that is no IPv4 address is refused at once", async () => {
  for (const server of ["fd00::53", "dns.example", "1.1.1.1; flush ruleset"]) {
    await assert.rejects(
      start(engine, { dnsServers: [server] }),
      (error) =>
        error instanceof TenkiError && error.kind === "invalid_argument" && error.message.includes(server),
    );
  }
  assert.deepEqual(await engine.traces(), []);
});

test("iptables lists its links where it drops what is not listed, once, and only there", async () => {
  const scratch = `tl${process.pid % 10_000}f`;
  const inside = (...argv: string[]) => runProcess(["ip", "netns", "exec", scratch, ...argv]);
  const module = new URL("../../src/engine/network/foreign-firewall.js", import.meta.url).href;
  const call = (name: string) =>
    inside(process.execPath, "--input-type=module", "-e", `(await import("${module}")).${name}("7e570001")`);
  const listed = async () =>
    (await inside("iptables", "-S")).split("\n").filter((line) => line.startsWith("-A"));
  await runProcess(["ip", "netns", "add", scratch]);
  try {
    await call("passForeignFirewall");
    assert.deepEqual(await listed(), []);
    await inside("iptables", "-P", "FORWARD", "DROP");
    await inside("iptables", "-P", "INPUT", "DROP");
    await inside("iptables", "-A", "FORWARD", "-d", "192.0.2.1/32", "-j", "DROP");
    await call("passForeignFirewall");
    await call("passForeignFirewall");
    const rules = await listed();
    assert.equal(rules.filter((rule) => rule.startsWith("-A FORWARD")).length, 3);
    assert.equal(rules.filter((rule) => rule.startsWith("-A INPUT -i tk7e570001-+")).length, 2);
    assert.match(rules.find((rule) => rule.startsWith("-A FORWARD")) ?? "", /192\.0\.2\.1/);
    await call("leaveForeignFirewall");
    assert.deepEqual(await listed(), ["-A FORWARD -d 192.0.2.1/32 -j DROP"]);
  } finally {
    await runProcess(["ip", "netns", "del", scratch]);
  }
});

const names = (address: string): Target[] => [
  { protocol: "dns-tcp", host: address, port: 53 },
  { protocol: "dns-udp", host: address, port: 53 },
];

/** Which of the sixteen ranges an address lies in. */
const blockOf = (address: string | undefined): number => Math.floor(Number(address?.split(".")[2]) / 16);

function gatewayOf(address: string | undefined): string {
  const parts = (address ?? assert.fail()).split(".").map(Number);
  return [...parts.slice(0, 3), (parts[3] ?? 0) - 1].join(".");
}

/** A process that keeps a namespace alive after its name has gone. */
async function holdNamespace(name: string): Promise<() => Promise<void>> {
  const place = Place.inside(name);
  await place.serve([{ protocol: "tcp", host: "127.0.0.1", port: 18_080 }]);
  return () => place.stop();
}

test("rules that somebody flushes are put back, and the sandbox goes on", async () => {
  const network = await start(engine);
  const { handle } = await network.attach({ outbound: true });
  const table = `tenki_${engine.instanceId}`;
  await runProcess(["nft", "delete", "table", "inet", table]);
  const back = await waitUntil(
    async () => {
      const tables = await runProcess(["nft", "list", "tables"]);
      return tables.includes(table) && (await reachesWorld(handle)) ? true : undefined;
    },
    { timeoutMs: 30_000, intervalMs: 100 },
  );
  assert.ok(back, "the rules did not come back");
  const rules = await runProcess(["nft", "list", "table", "inet", table]);
  assert.match(rules, new RegExp(`"${handle}"`));
});
