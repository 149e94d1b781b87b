import { KeyedMutex } from "../../lib/keyed-mutex.js";
import { runProcess, tryProcess } from "../../lib/process.js";
import { readCounts, readKnownLinks } from "./egress/known-links.js";
import type { KnownLink, ListedLink } from "./egress/listed-link.js";
import type { RecoveredLinks } from "./egress/listed-links.js";
import { addLink, type Admission, admitAddresses, removeLinkRules } from "./egress/render-link.js";
import { behindBridge, renderRules, sourceElement, tableName } from "./rules.js";
import type { Slot } from "./slot.js";

export interface Adoption extends RecoveredLinks {
  readonly resolver: string | undefined;
  /** The names of links that the host's own programs may connect to. */
  readonly inbound: ReadonlySet<string>;
}

/**
 * The engine's table of rules in the kernel. Changes are one after another, and what is known here of the
 * table changes in the same turn as the table: the whole of it can be written anew at any moment.
 */
export class RuleTable {
  readonly #instanceId: string;
  readonly #range: string;
  readonly #links = new Map<string, Slot>();
  readonly #outbound = new Set<string>();
  readonly #inbound = new Set<string>();
  readonly #listed = new Map<string, ListedLink>();
  readonly #turns = new KeyedMutex();
  #resolver: string | undefined;
  #removed = false;

  constructor(instanceId: string, range: string) {
    this.#instanceId = instanceId;
    this.#range = range;
  }

  get resolver(): string | undefined {
    return this.#resolver;
  }

  /** Lets a link out. */
  open(slot: Slot): Promise<void> {
    return this.#turn(async () => {
      await nft(
        `add element ${this.#name} sources { ${sourceElement(slot)} }\nadd element ${this.#name} outbound { "${slot.name}" }`,
      );
      this.#links.set(slot.name, slot);
      this.#outbound.add(slot.name);
    });
  }

  /** Lets the host's own programs in. */
  admitHost(slot: Slot): Promise<void> {
    return this.#turn(async () => {
      await nft(`add element ${this.#name} inbound { "${slot.name}" }`);
      this.#inbound.add(slot.name);
    });
  }

  /** From here on a link that is open reaches what its list says, and no more. */
  list(link: ListedLink): Promise<void> {
    return this.#turn(async () => {
      const elsewhere = behindBridge(await listUplinks());
      await nft(addLink(this.#name, link, { range: this.#range, elsewhere }));
      this.#listed.set(link.slot.name, link);
    });
  }

  /** Opens addresses that a name has led to, in a group of ports, for so long. */
  admit(name: string, { group, addresses, seconds }: Admission): Promise<void> {
    return this.#turn(async () => {
      const link = this.#listed.get(name);
      const admitted = link?.admitted[group];
      if (link === undefined || admitted === undefined) return;
      const now = Date.now();
      const until = now + seconds * 1_000;
      for (const [address, end] of admitted) if (end <= now) admitted.delete(address);
      const shorter = addresses.filter((address) => (admitted.get(address) ?? 0) < until);
      if (shorter.length === 0) return;
      await nft(admitAddresses(this.#name, link.slot.number, { group, addresses: shorter, seconds }));
      for (const address of shorter) admitted.set(address, until);
    });
  }

  /** What was refused to a link that has a list. */
  async countRefused(name: string): Promise<{ packets: number; names: number } | undefined> {
    await this.#turn(() => this.#readCounts());
    const link = this.#listed.get(name);
    return link && { packets: link.refusedPackets, names: link.refusedNames };
  }

  /** What the kernel holds of links that had a list, before `adopt` writes the table anew. */
  readKnown(): Promise<(slot: Slot) => KnownLink | undefined> {
    return readKnownLinks(this.#name);
  }

  /** From here on no packet of it leaves. */
  close(slot: Slot): Promise<void> {
    return this.#turn(async () => {
      await nft(`delete element ${this.#name} outbound { "${slot.name}" }`);
      this.#outbound.delete(slot.name);
    });
  }

  /** For a link that is gone. */
  forget(slot: Slot): Promise<void> {
    return this.#turn(async () => {
      const known = this.#links.delete(slot.name);
      const open = this.#outbound.delete(slot.name);
      const entered = this.#inbound.delete(slot.name);
      const link = this.#listed.get(slot.name);
      this.#listed.delete(slot.name);
      if (!known) return;
      const source = `delete element ${this.#name} sources { ${sourceElement(slot)} }`;
      const way = open ? `delete element ${this.#name} outbound { "${slot.name}" }` : "";
      const wayIn = entered ? `delete element ${this.#name} inbound { "${slot.name}" }` : "";
      const list = link === undefined ? "" : removeLinkRules(this.#name, link);
      await nft(`${source}\n${way}\n${wayIn}\n${list}`).catch(() => this.#write()); // somebody changed the table
    });
  }

  /** After a restart: these links stay, with the way out that the kernel says they have. */
  adopt(slots: readonly Slot[], { listed, closed, resolver, inbound }: Adoption): Promise<void> {
    return this.#turn(async () => {
      const outbound = await this.#listOutbound();
      for (const slot of slots) {
        this.#links.set(slot.name, slot);
        if (outbound.has(slot.name) && !closed.has(slot.name)) this.#outbound.add(slot.name);
        if (inbound.has(slot.name)) this.#inbound.add(slot.name);
      }
      for (const link of listed) this.#listed.set(link.slot.name, link);
      this.#resolver = resolver;
      await this.#write();
    });
  }

  /** Where questions about names go from now on. */
  resolveBy(resolver: string | undefined): Promise<void> {
    return this.#turn(async () => {
      const before = this.#resolver;
      this.#resolver = resolver;
      try {
        await this.#write();
      } catch (error) {
        this.#resolver = before;
        throw error;
      }
    });
  }

  /** Writes it anew where somebody has taken it away (a firewall that is restarted flushes everything). */
  async restore(): Promise<boolean> {
    let lost = false;
    await this.#turn(async () => {
      if (this.#removed) return;
      const { exitCode } = await tryProcess(["nft", "list", "chain", ...this.#name.split(" "), "to_host"]);
      lost = exitCode !== 0;
      if (lost) await this.#write();
      else await this.#readCounts(); // what is counted by then outlives a table that somebody takes away
    });
    return lost;
  }

  remove(): Promise<void> {
    return this.#turn(async () => {
      this.#removed = true;
      await tryProcess(["nft", "delete", "table", ...this.#name.split(" ")]);
    });
  }

  async #readCounts(): Promise<void> {
    if (this.#listed.size === 0) return;
    const counts = await readCounts(this.#name);
    if (counts === undefined) return;
    for (const link of this.#listed.values()) Object.assign(link, counts(link.slot.number));
  }

  async #write(): Promise<void> {
    await this.#readCounts();
    await nft(
      renderRules({
        instanceId: this.#instanceId,
        range: this.#range,
        slots: [...this.#links.values()],
        outbound: this.#outbound,
        inbound: this.#inbound,
        listed: [...this.#listed.values()],
        resolver: this.#resolver,
        uplinks: await listUplinks(),
      }),
    );
  }

  async #listOutbound(): Promise<Set<string>> {
    const { exitCode, stdout } = await tryProcess([
      "nft",
      "-j",
      "list",
      "set",
      ...this.#name.split(" "),
      "outbound",
    ]);
    if (exitCode !== 0) return new Set();
    const { nftables } = JSON.parse(stdout) as { nftables: { set?: { elem?: string[] } }[] };
    return new Set(nftables.flatMap(({ set }) => set?.elem ?? []));
  }

  #turn(action: () => Promise<void>): Promise<void> {
    return this.#turns.run("table", action);
  }

  get #name(): string {
    return tableName(this.#instanceId);
  }
}

async function listUplinks(): Promise<string[]> {
  const routes = await runProcess(["ip", "-j", "-4", "route", "show", "default"]);
  const devices = (JSON.parse(routes || "[]") as { dev?: string }[]).map(({ dev }) => dev);
  return [...new Set(devices.filter((dev) => dev !== undefined))];
}

const nft = (input: string): Promise<string> => runProcess(["nft", "-f", "-"], { input });
