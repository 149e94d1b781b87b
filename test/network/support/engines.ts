import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Network, NetworkPolicy } from "../../../src/engine/core/ports/network.js";
import { createVethNetwork, type VethNetworkOptions } from "../../../src/engine/network/veth-network.js";
import { silentLogger } from "../../../src/lib/logger.js";
import { runProcess, tryProcess } from "../../../src/lib/process.js";

/** A data directory and an id of its own; what the host has of it can be listed, and is removed at the end. */
export class TestEngine {
  readonly #networks: Network[] = [];

  private constructor(
    readonly instanceId: string,
    readonly dataDir: string,
  ) {}

  static async make(idStart = randomBytes(2).toString("hex")): Promise<TestEngine> {
    return new TestEngine(
      `${idStart}${randomBytes(2).toString("hex")}`,
      await mkdtemp(join(tmpdir(), "tenki-network-")),
    );
  }

  /** As the engine does it when it starts. */
  async start(
    options: Pick<VethNetworkOptions, "ready" | "openSeconds"> & { readonly dnsServers: readonly string[] },
    keep: readonly string[] | ReadonlyMap<string, NetworkPolicy> = [],
  ): Promise<Network> {
    const { dnsServers, ready = 0, openSeconds } = options;
    const { dataDir, instanceId } = this;
    const network = await createVethNetwork({
      dataDir,
      instanceId,
      dnsServers,
      ready,
      openSeconds,
      log: silentLogger,
    });
    this.#networks.push(network);
    await network.sweep(
      keep instanceof Map ? keep : new Map([...keep].map((handle) => [handle, { outbound: true }])),
    );
    return network;
  }

  /** Everything on the host that bears its name. */
  async traces(): Promise<string[]> {
    const all = await hostState();
    return all.filter((line) => line.includes(this.instanceId));
  }

  async remove(): Promise<void> {
    // Also those that a test has dropped as if they had crashed: they would put their rules back.
    for (const network of this.#networks) await network.close({ removeShared: true }).catch(() => undefined);
    for (const link of await this.linkNames()) await tryProcess(["ip", "link", "del", link]);
    const { stdout } = await tryProcess(["ip", "netns", "list"]);
    for (const name of stdout.match(/^tk\S+/gm) ?? [])
      if (name.includes(this.instanceId)) await tryProcess(["ip", "netns", "del", name]);
    const rules = (await tryProcess(["iptables", "-S"])).stdout.split("\n");
    for (const rule of rules.filter((line) => line.includes(this.instanceId)))
      await tryProcess(["iptables", "-w", "5", ...rule.replace(/^-A/, "-D").split(" ")]);
    await tryProcess(["nft", "delete", "table", "inet", `tenki_${this.instanceId}`]);
    await rm(this.dataDir, { recursive: true, force: true });
  }

  async linkNames(): Promise<string[]> {
    return (await hostState()).flatMap((line) => {
      const name = /^link (\S+)/.exec(line)?.[1];
      return name?.includes(this.instanceId) === true ? [name] : [];
    });
  }
}

/** Links, namespaces, tables, routes and iptables' rules of the host, one line each. */
export async function hostState(): Promise<string[]> {
  const [links, namespaces, tables, routes, rules] = await Promise.all([
    lines("ip", "-br", "link"),
    lines("ip", "netns", "list"),
    lines("nft", "list", "tables"),
    lines("ip", "route", "show", "table", "all"),
    lines("iptables", "-S"),
  ]);
  return [
    ...links.map((line) => `link ${line.split(/[\s@]/)[0]}`),
    ...namespaces.map((line) => `namespace ${line.split(" ")[0]}`),
    ...tables,
    ...routes.map((line) => `route ${line}`),
    ...rules.map((line) => `iptables ${line}`),
  ];
}

async function lines(...argv: string[]): Promise<string[]> {
  return (await runProcess(argv)).split("\n").filter((line) => line !== "");
}
