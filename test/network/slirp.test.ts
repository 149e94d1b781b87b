import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { NetworkAttachment, Refused } from "../../src/engine/core/ports/network.js";
import { isSameProcess, type ProcessIdentity } from "../../src/lib/process-identity.js";
import { runProcess, tryProcess } from "../../src/lib/process.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { listen, type Listening } from "./support/listeners.js";
import type { Target } from "./support/probe.js";
import type { Request } from "./support/slirp-engine.js";
import { hostAddresses, Place } from "./support/world.js";

const user = `tkslirp${process.pid % 10_000}`;
const device = "/dev/net/tun";
const ports = { tcp: 18_060, udp: 18_061 };
const metadata = "169.254.73.57";
const [listed, site] = ["203.0.113.201", "203.0.113.202"];

let world: Place;
let host: Listening;
let home: string;
let engine: ChildProcess | undefined;
let deviceMode: number | undefined;
/** Why this machine cannot run it; printed, and nothing is tested. */
let missing: string | undefined;

const both = (address: string): Target[] => [
  { protocol: "tcp", host: address, port: ports.tcp },
  { protocol: "udp", host: address, port: ports.udp },
];
const nothing = (results: readonly string[]) =>
  assert.deepEqual(
    results,
    results.map(() => ""),
  );

before(async () => {
  missing = await findMissing();
  if (missing !== undefined) return;
  deviceMode = (await stat(device)).mode & 0o777;
  await chmod(device, 0o666);
  await runProcess(["useradd", "--no-create-home", "--shell", "/bin/sh", user]);
  home = await mkdtemp(join(tmpdir(), "tenki-slirp-"));
  // The user may not read where the tests lie.
  for (const part of ["src", "test/network"])
    await cp(fileURLToPath(new URL(`../../${part}`, import.meta.url)), join(home, part), { recursive: true });
  for (const part of ["dns-packet", "@leichtgewicht/ip-codec"])
    await cp(join("node_modules", part), join(home, "node_modules", part), { recursive: true });
  await writeFile(join(home, "package.json"), '{ "type": "module" }');
  await runProcess(["chown", "-R", user, home]);
  world = await Place.make(`ts${process.pid % 10_000}w`, 192);
  await runProcess(["ip", "-n", world.name, "address", "add", `${metadata}/32`, "dev", "lo"]);
  await runProcess(["ip", "route", "add", `${metadata}/32`, "via", world.address, "dev", world.hostLink]);
  for (const address of [listed, site]) await world.addAddress(address);
  const everywhere = [
    { protocol: "tcp", host: "0.0.0.0", port: ports.tcp },
    { protocol: "udp", host: "0.0.0.0", port: ports.udp },
  ] as const;
  const zone = { "site.test": { ttl: 60, addresses: [site, "127.0.0.1", "10.0.2.2", metadata] } };
  await world.serve([...everywhere, { protocol: "dns", host: world.address, port: 53, zone }]);
  host = await listen(everywhere);
  engine = await startEngine();
});

after(async () => {
  if (engine !== undefined) {
    await call({ call: "close" }).catch(() => undefined);
    const ended = once(engine, "exit");
    engine.disconnect();
    await ended;
  }
  await host?.close();
  await world?.remove();
  if (deviceMode === undefined) return;
  await chmod(device, deviceMode);
  await tryProcess(["userdel", user]);
  await rm(home, { recursive: true, force: true });
});

/** A test of a network without root; where the machine cannot give one it says so. */
function slirpTest(name: string, body: () => Promise<void>): void {
  test(name, async (context) => {
    if (missing === undefined) await body();
    else context.diagnostic(`not tested: ${missing}`);
  });
}

slirpTest("with outbound on the world is reached, and nothing of the host's", async () => {
  const { handle, namespacePath, nameservers } = await attach(true);
  assert.deepEqual(nameservers, ["10.0.2.3"]);
  const results = await probe(namespacePath, both(world.address));
  assert.deepEqual(results, [`hello ${world.hostAddress}`, `hello ${world.hostAddress}`]);
  nothing(
    await probe(
      namespacePath,
      [...hostAddresses(), world.hostAddress, "10.0.2.2", "10.0.2.3", "127.0.0.1"].flatMap(both),
    ),
  );
  assert.deepEqual(host.arrived, []);
  await world.visitors();
  nothing(await probe(namespacePath, both(metadata)));
  assert.deepEqual(await world.visitors(), []);
  await call({ call: "detach", handle });
});

slirpTest("what is on a list is reached, by name and by address, and nothing else", async () => {
  const words = [`${listed}:${ports.tcp}`, `site.test:${ports.tcp}`];
  const { handle, namespacePath, nameservers } = await attach(true, words);
  const [resolver = ""] = nameservers;
  const name = (name: string): Target => ({ protocol: "name", host: resolver, port: 53, name });
  const to = (host: string): Target => ({ protocol: "tcp", host, port: ports.tcp });
  assert.deepEqual(await probe(namespacePath, [to(listed), to(site)]), [`hello ${world.hostAddress}`, ""]);
  const names = await probe(namespacePath, [name("site.test"), name("example.test"), name("nobody.test")]);
  assert.deepEqual(names, [site, "ENOTFOUND", "ENOTFOUND"]);
  assert.deepEqual(await probe(namespacePath, [to(site)]), [`hello ${world.hostAddress}`]);
  const refused = (await call({ call: "refused", handle })) as Refused;
  assert.ok(refused.packets >= 1 && refused.names >= 2, JSON.stringify(refused));
  await world.visitors();
  const elsewhere = [world.address, metadata, world.hostAddress, "10.0.2.2", resolver, ...hostAddresses()];
  nothing(await probe(namespacePath, [...elsewhere.flatMap(both), ...both(listed).slice(1)]));
  // Another resolver, and the host's own by another name, are not on the list either.
  const other = { protocol: "dns-udp", port: 53 } as const;
  nothing(
    await probe(
      namespacePath,
      [world.address, "10.0.2.2"].map((host) => ({ ...other, host })),
    ),
  );
  assert.deepEqual([...(await world.visitors()), ...host.arrived], []);
  const [told] = await probe(namespacePath, [{ ...to(world.address), protocol: "connect" }]);
  assert.equal(told, "EHOSTUNREACH");
  await call({ call: "detach", handle });
});

slirpTest("a list holds over a restart, and over the loss of the way out", async () => {
  const words = ["site.test"];
  const { handle, namespacePath, nameservers } = await attach(true, words);
  const ask: Target = { protocol: "name", host: nameservers[0] ?? "", port: 53, name: "site.test" };
  const closed: Target = { protocol: "tcp", host: world.address, port: ports.tcp };
  nothing(await probe(namespacePath, [closed]));
  const before = (await call({ call: "refused", handle })) as Refused;
  for (const loss of ["engine", "way out"]) {
    const [carrier] = await slirps(namespacePath);
    if (loss === "way out" && carrier !== undefined) {
      process.kill(carrier.pid, "SIGKILL");
      await waitUntil(() => (isSameProcess(carrier) ? undefined : true), { timeoutMs: 5_000 });
    }
    await call({ call: "restart" });
    await call({ call: "sweep", keep: [handle], lists: { [handle]: words } });
    assert.deepEqual(await probe(namespacePath, [ask]), [site], loss);
    assert.ok(
      (await probe(namespacePath, both(site))).every((result) => result !== ""),
      loss,
    );
    nothing(await probe(namespacePath, [closed]));
  }
  const after = (await call({ call: "refused", handle })) as Refused;
  assert.ok(after.packets > before.packets && before.packets > 0);
  await call({ call: "detach", handle });
});

slirpTest("with outbound off nothing is reached", async () => {
  const { handle, namespacePath, nameservers } = await attach(false);
  assert.deepEqual(nameservers, []);
  await world.visitors();
  nothing(await probe(namespacePath, [...both(world.address), ...both(world.hostAddress)]));
  assert.deepEqual([...(await world.visitors()), ...host.arrived], []);
  await call({ call: "detach", handle });
});

slirpTest(
  "with a detached network the process that carried its packets ends, and no file stays",
  async () => {
    const { handle, namespacePath } = await attach(true);
    const [carrier] = await slirps(namespacePath);
    assert.ok(carrier !== undefined && isSameProcess(carrier));
    await call({ call: "detach", handle });
    await call({ call: "detach", handle });
    assert.ok(!isSameProcess(carrier));
    assert.deepEqual(await readdir(join(home, "data", "netns")), []);
  },
);

slirpTest(
  "after a restart what is kept has its way out again, with its rules, and all else is gone",
  async () => {
    const kept = await attach(true);
    const lost = await attach(true);
    const shut = await attach(false);
    const [[carrier], [lostCarrier]] = [await slirps(kept.namespacePath), await slirps(lost.namespacePath)];
    assert.ok(carrier !== undefined && lostCarrier !== undefined);
    process.kill(carrier.pid, "SIGKILL");
    await waitUntil(() => (isSameProcess(carrier) ? undefined : true), { timeoutMs: 5_000 });
    nothing(await probe(kept.namespacePath, both(world.address)));
    await writeFile(join(home, "data", "netns", `${lost.handle}.json`), "{ damaged");
    await call({ call: "restart" });
    await call({ call: "sweep", keep: [kept.handle, shut.handle] });
    assert.ok(!isSameProcess(lostCarrier));
    assert.ok((await probe(kept.namespacePath, both(world.address))).every((result) => result !== ""));
    nothing(await probe(kept.namespacePath, [...both(world.hostAddress), ...both(metadata)]));
    nothing(await probe(shut.namespacePath, both(world.address)));
    assert.deepEqual(host.arrived, []);
    await call({ call: "sweep", keep: [] });
    assert.deepEqual(await readdir(join(home, "data", "netns")), []);
    assert.deepEqual(await slirps(kept.namespacePath), []);
  },
);

const attach = (outbound: boolean, egress?: readonly string[]) =>
  call({ call: "attach", outbound, ...(egress && { egress }) }) as Promise<NetworkAttachment>;
const slirps = (namespacePath: string) =>
  call({ call: "slirps", namespacePath }) as Promise<ProcessIdentity[]>;
const probe = (namespacePath: string, targets: readonly Target[]) =>
  call({ call: "probe", namespacePath, targets }) as Promise<string[]>;

async function findMissing(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "it takes root to make a user";
  for (const tool of ["slirp4netns", "newuidmap", "runuser", "nft"])
    if ((await tryProcess(["sh", "-c", `command -v ${tool}`])).exitCode !== 0) return `no ${tool}`;
  if ((await stat(device).catch(() => undefined)) === undefined) return `no ${device}`;
  const { exitCode } = await tryProcess(["runuser", "-u", "nobody", "--", "unshare", "--user", "true"]);
  return exitCode === 0 ? undefined : "users may not make namespaces";
}

/** As the engine starts itself anew when it has no root. */
async function startEngine(): Promise<ChildProcess> {
  const argv = [
    ...["-u", user, "--", "unshare", "--user", "--map-auto", "--map-root-user", "--mount"],
    ...[process.execPath, join(home, "test/network/support/slirp-engine.js"), join(home, "data")],
    world.address,
  ];
  const child = spawn("runuser", argv, { stdio: ["ignore", "inherit", "inherit", "ipc"], cwd: home });
  await answerOf(child);
  return child;
}

async function call(request: Request): Promise<unknown> {
  if (engine === undefined) throw new Error("the engine does not run");
  const answer = answerOf(engine);
  engine.send(request);
  return answer;
}

async function answerOf(child: ChildProcess): Promise<unknown> {
  const [{ result, error }] = (await once(child, "message", { signal: AbortSignal.timeout(30_000) })) as [
    { result?: unknown; error?: string },
  ];
  if (error !== undefined) throw new Error(error);
  return result;
}
