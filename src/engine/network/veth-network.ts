import { readFile, writeFile } from "node:fs/promises";
import { TenkiError } from "../../domain/error.js";
import { KeyedMutex } from "../../lib/keyed-mutex.js";
import type { Logger } from "../../lib/logger.js";
import type { Network, NetworkAttachment, NetworkPolicy, Refused } from "../core/ports/network.js";
import { chooseRange } from "./choose-range.js";
import { ListedLinks } from "./egress/listed-links.js";
import { leaveForeignFirewall, passForeignFirewall } from "./foreign-firewall.js";
import { findResolver, isLoopback, requireAddresses } from "./resolver.js";
import { RuleTable } from "./rule-table.js";
import { linkPrefix, type Slot, slotNumber, slotOf, slotsPerRange } from "./slot.js";
import {
  admitToLoopback,
  dropDefaultRoute,
  isLinkThere,
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
  /** How long what a name on a list leads to stays open after the name's time to live. Default 60. */
  readonly openSeconds?: number | undefined;
  readonly log: Logger;
}

/** A namespace and a point-to-point link for each sandbox, bounded by rules in the host's kernel. */
export async function createVethNetwork(options: VethNetworkOptions): Promise<Network> {
  requireAddresses(options.dnsServers ?? []);
  const range = await chooseRange(options.dataDir, options.instanceId);
  await forwardPackets();
  return new VethNetwork(options, range);
}

/** How long the rules may be gone at most. */
const lookEveryMs = 5_000;

class VethNetwork implements Network {
  readonly holdsToLists = true;
  readonly #options: VethNetworkOptions;
  readonly #range: string;
  readonly #rules: RuleTable;
  readonly #listed: ListedLinks;
  /** Numbers that are taken: of slots being made, ready, attached or leaving. */
  readonly #used = new Set<number>();
  readonly #ready: Slot[] = [];
  readonly #attached = new Map<string, Slot>();
  readonly #leaving = new Set<Promise<void>>();
  readonly #turns = new KeyedMutex();
  #nextNumber = 0;
  #refill: Promise<void> = Promise.resolve();
  #closed = false;
  #watch: NodeJS.Timeout | undefined;

  constructor(options: VethNetworkOptions, range: string) {
    this.#options = options;
    this.#range = range;
    this.#rules = new RuleTable(options.instanceId, range);
    this.#listed = new ListedLinks({ ...options, rules: this.#rules });
  }

  async attach(policy: NetworkPolicy): Promise<NetworkAttachment> {
    const slot = this.#ready.shift() ?? (await this.#makeSlot());
    this.#refillLater();
    this.#attached.set(slot.name, slot);
    try {
      await this.#followResolver();
      await this.#hold(slot, policy);
    } catch (error) {
      await this.detach(slot.name).catch((failure: unknown) =>
        this.#warn("cannot remove a network", failure),
      );
      throw error;
    }
    return {
      handle: slot.name,
      namespacePath: `/run/netns/${slot.name}`,
      address: slot.guestAddress,
      nameservers:
        policy.outbound && (policy.egress ?? this.#rules.resolver) !== undefined ? [slot.hostAddress] : [],
    };
  }

  async detach(handle: string): Promise<void> {
    const slot = this.#attached.get(handle);
    if (slot === undefined) return;
    this.#attached.delete(handle); // at once: a second call must not meet the next owner of the name
    try {
      await this.#removeSlot(slot);
    } catch (error) {
      this.#attached.set(handle, slot);
      throw error;
    }
  }

  refused(handle: string): Promise<Refused | undefined> {
    return this.#rules.countRefused(handle);
  }

  async sweep(keep: ReadonlyMap<string, NetworkPolicy>): Promise<void> {
    const { instanceId, dnsServers = [] } = this.#options;
    for (const name of await listLinks(linkPrefix(instanceId))) {
      const number = slotNumber(instanceId, name);
      if (number === undefined || !keep.has(name)) await removeLink(name);
      else {
        this.#used.add(number);
        this.#attached.set(name, slotOf(instanceId, this.#range, number));
      }
    }
    const kept = [...this.#attached.values()];
    const recovered = await this.#listed.recover(kept, keep);
    const inbound = new Set([...keep].flatMap(([name, policy]) => (policy.inbound === true ? [name] : [])));
    await this.#rules.adopt(kept, { ...recovered, inbound, resolver: await findResolver(dnsServers) });
    for (const slot of kept) await this.#letNamesThrough(slot).catch(() => undefined); // its link is half gone
    await passForeignFirewall(instanceId);
    this.#refillLater();
    clearInterval(this.#watch);
    this.#watch = setInterval(() => void this.#restoreRules(), lookEveryMs).unref();
  }

  async close({ removeShared }: { readonly removeShared: boolean }): Promise<void> {
    this.#closed = true;
    clearInterval(this.#watch);
    this.#listed.endAll();
    await this.#refill;
    await Promise.all(this.#ready.splice(0).map((slot) => this.#removeSlot(slot)));
    await Promise.all(this.#leaving);
    if (!removeShared) return;
    const { instanceId } = this.#options;
    for (const name of await listLinks(linkPrefix(instanceId))) await removeLink(name);
    await leaveForeignFirewall(instanceId);
    await this.#rules.remove();
  }

  /** Takes a number, makes the link, and lets it out: what most sandboxes want. */
  async #makeSlot(): Promise<Slot> {
    const slot = this.#takeSlot();
    try {
      await makeLink(slot);
      await this.#rules.open(slot);
      return slot;
    } catch (error) {
      await this.#removeSlot(slot).catch((failure: unknown) =>
        this.#warn("cannot remove a network", failure),
      );
      throw error;
    }
  }

  /**
   * Ends a slot. The kernel takes its time to unmake a link, so nobody waits for that; but its number, and
   * with it its address, is given to another only when it is really gone.
   */
  async #removeSlot(slot: Slot): Promise<void> {
    this.#listed.end(slot.name);
    await removeNamespace(slot.name);
    const leaving = untilLinkIsGone(slot.name)
      .then(() => this.#rules.forget(slot))
      .catch((error: unknown) => this.#warn("cannot remove all of a network", error))
      .finally(() => {
        this.#used.delete(slot.number); // a link that stays all the same keeps its number taken
        this.#leaving.delete(leaving);
      });
    this.#leaving.add(leaving);
  }

  /** What the guest may reach is settled before there is a guest. */
  async #hold(slot: Slot, { outbound, inbound, egress }: NetworkPolicy): Promise<void> {
    if (inbound === true) await this.#rules.admitHost(slot);
    if (!outbound) return this.#shutIn(slot);
    if (egress === undefined) return this.#letNamesThrough(slot);
    await this.#rules.list(await this.#listed.begin(slot, egress));
  }

  async #shutIn(slot: Slot): Promise<void> {
    await this.#rules.close(slot);
    await dropDefaultRoute(slot);
  }

  async #letNamesThrough(slot: Slot): Promise<void> {
    if (isLoopback(this.#rules.resolver)) await admitToLoopback(slot);
  }

  /** The host's resolver changes with its network; the rules follow when the next sandbox asks. */
  #followResolver(): Promise<void> {
    return this.#turns.run("resolver", async () => {
      const resolver = await findResolver(this.#options.dnsServers ?? []);
      if (resolver === this.#rules.resolver) return;
      this.#options.log.info("the host's resolver changed", { resolver: resolver ?? "none" });
      await this.#rules.resolveBy(resolver);
      // A sandbox that goes at this moment needs it no more.
      for (const slot of this.#attached.values()) await this.#letNamesThrough(slot).catch(() => undefined);
    });
  }

  /** Other programs change the machine's firewall, and never ask: what is ours is put back. */
  async #restoreRules(): Promise<void> {
    try {
      if (await this.#rules.restore())
        this.#options.log.warn("the network rules were gone, and are back", {});
      if (!this.#closed) await passForeignFirewall(this.#options.instanceId);
    } catch (error) {
      this.#warn("cannot put the network rules back", error);
    }
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

  /** Numbers go round, so that the next sandbox is not met by what was on its way to the last one. */
  #takeSlot(): Slot {
    for (let step = 0; step < slotsPerRange; step += 1) {
      const number = (this.#nextNumber + step) % slotsPerRange;
      const slot = slotOf(this.#options.instanceId, this.#range, number);
      if (this.#used.has(number) || isLinkThere(slot)) continue;
      this.#used.add(number);
      this.#nextNumber = number + 1;
      return slot;
    }
    throw new TenkiError("resource_exhausted", `no capacity: all ${slotsPerRange} network links are in use`);
  }

  #warn(what: string, error: unknown): void {
    this.#options.log.warn(what, { error: error instanceof Error ? error.message : String(error) });
  }
}

/** Without it no packet of a sandbox leaves the machine. Left on at the end: others may count on it by then. */
async function forwardPackets(): Promise<void> {
  const path = "/proc/sys/net/ipv4/ip_forward";
  if ((await readFile(path, "utf8")).trim() !== "1") await writeFile(path, "1");
}
