import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { resolve } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { tryProcess } from "../../src/lib/process.js";
import { listen, type Listening } from "../network/support/listeners.js";
import { hostAddresses, Place, probeFromHost } from "../network/support/world.js";
import { Workbench } from "./support/tenki.js";

type Target = readonly [kind: "tcp" | "udp" | "ping" | "raw" | "packet", host: string, port: number];

const ports = { tcp: 18_092, udp: 18_093 };
const metadata = "169.254.92.1";

/** A server inside that says hello by both, and writes down who came. */
const server = `
import socketserver
class Tcp(socketserver.BaseRequestHandler):
    def handle(self):
        print("tcp", self.client_address, flush=True); self.request.sendall(b"hello")
class Udp(socketserver.BaseRequestHandler):
    def handle(self):
        print("udp", self.client_address, flush=True); self.request[1].sendto(b"hello", self.client_address)
import threading
udp = socketserver.ThreadingUDPServer(("0.0.0.0", ${ports.udp}), Udp)
threading.Thread(target=udp.serve_forever, daemon=True).start()
tcp = socketserver.ThreadingTCPServer(("0.0.0.0", ${ports.tcp}), Tcp)
print("ready", flush=True)
tcp.serve_forever()
`;

/** By packets, sent by root inside. */
describe("what a sandbox reaches, and what reaches it", () => {
  let bench: Workbench;
  let world: Place;
  let host: Listening;
  /** `out` may reach the world, and nobody it; `in` the other way round. */
  const addresses = { out: "", in: "" };
  before(async () => {
    world = await Place.make(`tp${process.pid % 10_000}w`, 128, { network: "198.51.100" });
    await world.addAddress(metadata);
    await world.serve([
      { protocol: "tcp", host: "0.0.0.0", port: ports.tcp },
      { protocol: "udp", host: world.address, port: ports.udp },
      { protocol: "udp", host: metadata, port: ports.udp },
    ]);
    host = await listen(
      ["0.0.0.0", "::"].flatMap((address) => [
        { protocol: "tcp" as const, host: address, port: ports.tcp },
        { protocol: "udp" as const, host: address, port: ports.udp },
      ]),
    );
    bench = await Workbench.open();
    await bench.startEngine();
    await bench.ok(["sandbox", "create", "--name", "out"]);
    await bench.ok(["sandbox", "create", "--name", "in", "--allow-inbound", "--allow-outbound=false"]);
    for (const name of ["out", "in"] as const) {
      await bench.ok(["sandbox", "cp", resolve("test/e2e/support/probe.py"), `${name}:probe.py`]);
      await bench.ok(["sandbox", "write", "--session", name, "--path", "server.py"], { input: server });
      const start =
        "setsid python3 server.py > log 2>&1 < /dev/null & until grep -q ready log; do sleep 0.05; done";
      await inside(name, start);
      addresses[name] = (await inside(name, "hostname -I")).trim();
    }
  });
  after(async () => {
    await bench?.close();
    await host?.close();
    await world?.remove();
  });
  beforeEach(async () => {
    host.arrived.length = 0;
    await world.visitors();
  });

  const inside = (name: string, script: string) =>
    bench.ok(["sandbox", "exec", "--session", name, "-q", "--user", "root", "-c", script]);
  const probe = async (name: string, targets: readonly Target[]) =>
    JSON.parse(await inside(name, `python3 /home/tenki/probe.py '${JSON.stringify(targets)}'`)) as string[];
  const both = (address: string): Target[] => [
    ["tcp", address, ports.tcp],
    ["udp", address, ports.udp],
  ];
  const fromHost = (address: string) =>
    probeFromHost([
      { protocol: "tcp", host: address, port: ports.tcp },
      { protocol: "udp", host: address, port: ports.udp },
      { protocol: "connect", host: address, port: ports.tcp },
    ]);
  const nobodyAnswers = (said: readonly string[], targets: readonly Target[]) => {
    for (const [index, answer] of said.entries())
      assert.match(answer, /^(E[A-Z]+)?$/, targets[index]?.join(" "));
  };

  it("is the world, by TCP and UDP, and no packet of its own making", async () => {
    const [tcp, udp, raw, packet] = await probe("out", [
      ...both(world.address),
      ["raw", world.address, ports.udp],
      ["packet", "", 0],
    ]);
    assert.deepEqual([tcp, udp], [`hello ${world.hostAddress}`, `hello ${world.hostAddress}`]);
    assert.match(`${raw} ${packet}`, /^(EPERM|EACCES) (EPERM|EACCES|EAFNOSUPPORT)$/);
    assert.equal((await world.visitors()).length, 2);
  });

  it("is not the host, another sandbox, a link-local address or many at once, by whatever protocol", async () => {
    assert.ok(
      (await fromHost(addresses.in)).every((answer) => answer !== ""),
      "the other is there",
    );
    assert.ok(
      (await fromHost(metadata)).every((answer) => answer !== ""),
      "the link-local server is there",
    );
    await world.visitors();
    await inside("in", "echo > log");
    const gateway = (await inside("out", "ip route | awk '/default/{print $3}'")).trim();
    const hosts = [...hostAddresses(), world.hostAddress, gateway, addresses.in, metadata, "169.254.169.254"];
    const groups = ["255.255.255.255", "224.0.0.1", "198.51.100.191"];
    const targets = hosts.flatMap((address): Target[] => [
      ...both(address),
      ["ping", address, 0],
      ["raw", address, ports.udp],
    ]);
    nobodyAnswers(await probe("out", targets), targets);
    await probe(
      "out",
      groups.map((address) => ["udp", address, ports.udp]),
    ); // its own server may answer these
    assert.deepEqual([...host.arrived, ...(await world.visitors())], []);
    assert.equal((await inside("in", "cat log")).trim(), "");
  });

  it("is nothing by IPv6", async () => {
    const own = Object.values(networkInterfaces()).flatMap((list = []) => list);
    const hosts = own
      .filter(({ family, internal }) => family === "IPv6" && !internal)
      .map(({ address }) => (address.startsWith("fe80:") ? `${address}%eth0` : address));
    const targets = [...hosts, "ff02::1%eth0", "2001:db8::1"].flatMap(both);
    nobodyAnswers(await probe("out", targets), targets);
    assert.deepEqual(host.arrived, []);
  });

  it("is nothing at all without outbound, but its own loopback", async () => {
    const targets = [world.address, ...hostAddresses(), addresses.out, metadata].flatMap(both);
    nobodyAnswers(await probe("in", targets), targets);
    assert.deepEqual([...host.arrived, ...(await world.visitors())], []);
    assert.deepEqual(await probe("in", both("127.0.0.1")), ["hello", "hello"]);
    assert.equal((await inside("in", "getent hosts example.com || echo none")).trim(), "none");
  });

  it("is, without inbound, nobody: this machine's own programs are told so at once", async () => {
    const expectations = async () => {
      assert.deepEqual(await fromHost(addresses.out), ["", "", "EHOSTUNREACH"]);
      assert.deepEqual(await fromHost(addresses.in), ["hello", "hello", "connected"]);
    };
    await expectations();
    const routed = ["ip", "netns", "exec", world.name, "timeout", "1", "bash", "-c"];
    const visits = Object.values(addresses).map((address) =>
      tryProcess([...routed, `: <>/dev/tcp/${address}/${ports.tcp}`]),
    );
    for (const { exitCode } of await Promise.all(visits)) assert.notEqual(exitCode, 0);
    await bench.ok(["engine", "restart"], { timeoutMs: 120_000 });
    await expectations();
  });

  it("is, without outbound, who looks at a port that is exposed", async () => {
    const words = ["sandbox", "expose", String(ports.tcp), "--tcp", "--session", "in"];
    const { preview_url: url } = await bench.json<{ preview_url: string }>(words);
    const { hostname, port } = new URL(url);
    assert.deepEqual(await probeFromHost([{ protocol: "tcp", host: hostname, port: Number(port) }]), [
      "hello",
    ]);
  });
});
