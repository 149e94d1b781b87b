import { readFile, writeFile } from "node:fs/promises";
import { TenkiError } from "../../domain/error.js";
import { KeyedMutex } from "../../lib/keyed-mutex.js";
import type { Logger } from "../../lib/logger.js";
import { runProcess, tryProcess } from "../../lib/process.js";
import type { Network, NetworkAttachment, NetworkPolicy } from "../core/ports/network.js";
import { chooseRange } from "./choose-range.js";
import { leaveForeignFirewall, passForeignFirewall } from "./foreign-firewall.js";
import { findResolver, isLoopback } from "./resolver.js";
import { renderRules, sourceElement, tableName } from "./rules.js";
import { linkPrefix, type Slot, slotNumber, slotOf, slotsPerRange } from "./slot.js";
import {
  dropDefaultRoute,
  listLinks,
  makeLink,
  removeLink,
  removeNamespace,
  untilLinkIsGone,
} from "./veth-link.js";

export interface VethNetworkOptions {
  readonly dataDir: string;
  readonly instanceId: string;
  /** Default: the host's own. */
  readonly dnsServers?: readonly string[] | undefined;
  /** How many namespaces are kept ready ahead of need. Default 4. */
  readonly ready?: number | undefined;
  readonly log: Logger;
}

/** A namespace and a point-to-point link for each sandbox, bounded by rules in the host's kernel. */
export async function createVethNetwork(options: VethNetworkOptions): Promise<Network> {
  const range = await chooseRange(options.dataDir, options.instanceId);
  await forwardPackets();
  return new VethNetwork(options, range);
}

class VethNetwork implements Network {
  readonly #options: VethNetworkOptions;
  readonly #range: string;
  readonly #used = new Set<number>();
  readonly #ready: Slot[] = [];
  readonly #outbound = new Set<string>();
  /** Changes of the rules are one after another: each is a transaction against what is there. */
  readonly #turns = new KeyedMutex();
  readonly #leaving = new Set<Promise<void>>();
  #refill: Promise<void> = Promise.resolve();
  #resolver: string | undefined;
  #closed = false;

  constructor(options: VethNetworkOptions, range: string) {
    this.#options = options;
    this.#range = range;
  }

  async attach(policy: NetworkPolicy): Promise<NetworkAttachment> {
    const slot = this.#ready.shift() ?? (await this.#makeSlot());
    this.#refillLater();
    try {
      await this.#followResolver();
      if (!policy.outbound) await this.#closeOutbound(slot);
    } catch (error) {
      await this.#removeSlot(slot.name);
      throw error;
    }
    return {
      handle: slot.name,
      namespacePath: `/run/netns/${slot.name}`,
      address: slot.guestAddress,
      nameservers: policy.outbound && this.#resolver !== undefined ? [slot.hostAddress] : [],
    };
  }

  async detach(handle: string): Promise<void> {
    if (slotNumber(this.#options.instanceId, handle) !== undefined) await this.#removeSlot(handle);
  }

  async sweep(keep: ReadonlySet<string>): Promise<void> {
    const { instanceId } = this.#options;
    const present = await listLinks(linkPrefix(instanceId));
    for (const name of present) {
      const number = slotNumber(instanceId, name);
      if (keep.has(name) && number !== undefined) this.#used.add(number);
      else await removeLink(name);
    }
    for (const name of await this.#listOutbound()) if (keep.has(name)) this.#outbound.add(name);
    this.#resolver = await findResolver(this.#options.dnsServers ?? []);
    await this.#writeRules();
    await passForeignFirewall(instanceId);
    this.#refillLater();
  }

  async close({ removeShared }: { readonly removeShared: boolean }): Promise<void> {
    this.#closed = true;
    await this.#refill;
    await Promise.all(this.#ready.splice(0).map(({ name }) => this.#removeSlot(name)));
    await Promise.all(this.#leaving);
    if (!removeShared) return;
    const { instanceId } = this.#options;
    for (const name of await listLinks(linkPrefix(instanceId))) await removeLink(name);
    await leaveForeignFirewall(instanceId);
    await tryProcess(["nft", "delete", "table", ...tableName(instanceId).split(" ")]);
  }

  /** Takes a number, makes the link, and lets it out: what most sandboxes want. */
  async #makeSlot(): Promise<Slot> {
    const slot = slotOf(this.#options.instanceId, this.#range, this.#takeNumber());
    try {
      await makeLink(slot, { loopbackResolver: isLoopback(this.#resolver) });
      await this.#nft(
        `add element ${this.#table} sources { ${sourceElement(slot)} }\nadd element ${this.#table} outbound { "${slot.name}" }`,
      );
      this.#outbound.add(slot.name);
      return slot;
    } catch (error) {
      await this.#removeSlot(slot.name).catch(() => undefined);
      throw error;
    }
  }

  /**
   * Ends a slot. The kernel takes its time to unmake a link, so nobody waits for that; but its number, and
   * with it its address, is given to another only when it is really gone.
   */
  async #removeSlot(name: string): Promise<void> {
    const number = slotNumber(this.#options.instanceId, name);
    if (number === undefined) return;
    await removeNamespace(name);
    const leaving = untilLinkIsGone(name)
      .then(() => this.#forget(name, number))
      .catch((error: unknown) => this.#warn("cannot remove a network link", error))
      .finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }

  async #forget(name: string, number: number): Promise<void> {
    const slot = slotOf(this.#options.instanceId, this.#range, number);
    const source = `delete element ${this.#table} sources { ${sourceElement(slot)} }`;
    const open = this.#outbound.delete(name) ? `delete element ${this.#table} outbound { "${name}" }` : "";
    await this.#nft(`${source}\n${open}`).catch(() => this.#writeRules()); // an element of them was not there
    this.#used.delete(number);
  }

  async #closeOutbound(slot: Slot): Promise<void> {
    await this.#nft(`delete element ${this.#table} outbound { "${slot.name}" }`);
    this.#outbound.delete(slot.name);
    await dropDefaultRoute(slot);
  }

  /** The host's resolver changes with its network; the rules follow when the next sandbox asks. */
  async #followResolver(): Promise<void> {
    const resolver = await findResolver(this.#options.dnsServers ?? []);
    if (resolver === this.#resolver) return;
    this.#options.log.info("the host's resolver changed", { resolver: resolver ?? "none" });
    this.#resolver = resolver;
    await this.#writeRules();
  }

  #writeRules(): Promise<void> {
    const { instanceId } = this.#options;
    return this.#nft(() =>
      renderRules({
        instanceId,
        range: this.#range,
        slots: [...this.#used].map((number) => slotOf(instanceId, this.#range, number)),
        outbound: this.#outbound,
        resolver: this.#resolver,
      }),
    );
  }

  #refillLater(): void {
    this.#refill = this.#refill
      .then(() => this.#makeReady())
      .catch((error: unknown) => this.#warn("cannot keep a network ready", error));
  }

  async #makeReady(): Promise<void> {
    const want = this.#options.ready ?? 4;
    while (!this.#closed && this.#ready.length < want) this.#ready.push(await this.#makeSlot());
  }

  #warn(what: string, error: unknown): void {
    this.#options.log.warn(what, { error: error instanceof Error ? error.message : String(error) });
  }

  #takeNumber(): number {
    for (let number = 0; number < slotsPerRange; number += 1) {
      if (this.#used.has(number)) continue;
      this.#used.add(number);
      return number;
    }
    throw new TenkiError("resource_exhausted", `no capacity: all ${slotsPerRange} network links are in use`);
  }

  get #table(): string {
    return tableName(this.#options.instanceId);
  }

  #nft(transaction: string | (() => string)): Promise<void> {
    return this.#turns.run("nft", async () => {
      const input = typeof transaction === "string" ? transaction : transaction();
      await runProcess(["nft", "-f", "-"], { input });
    });
  }

  async #listOutbound(): Promise<string[]> {
    const { exitCode, stdout } = await tryProcess([
      "nft",
      "-j",
      "list",
      "set",
      ...this.#table.split(" "),
      "outbound",
    ]);
    if (exitCode !== 0) return [];
    const { nftables } = JSON.parse(stdout) as { nftables: { set?: { elem?: string[] } }[] };
    return nftables.flatMap(({ set }) => set?.elem ?? []);
  }
}

/** Without it no packet of a sandbox leaves the machine. Left on at the end: others may count on it by then. */
async function forwardPackets(): Promise<void> {
  const path = "/proc/sys/net/ipv4/ip_forward";
  if ((await readFile(path, "utf8")).trim() !== "1") await writeFile(path, "1");
}
