import { KeyedMutex } from "../../lib/keyed-mutex.js";
import { runProcess, tryProcess } from "../../lib/process.js";
import { renderRules, sourceElement, tableName } from "./rules.js";
import type { Slot } from "./slot.js";

/**
 * The engine's table of rules in the kernel. Changes are one after another, and what is known here of the
 * table changes in the same turn as the table: the whole of it can be written anew at any moment.
 */
export class RuleTable {
  readonly #instanceId: string;
  readonly #range: string;
  readonly #links = new Map<string, Slot>();
  readonly #outbound = new Set<string>();
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
      if (!known) return;
      const source = `delete element ${this.#name} sources { ${sourceElement(slot)} }`;
      const way = open ? `delete element ${this.#name} outbound { "${slot.name}" }` : "";
      await nft(`${source}\n${way}`).catch(() => this.#write()); // somebody changed the table
    });
  }

  /** After a restart: these links stay, with the way out that the kernel says they have. */
  adopt(slots: readonly Slot[], resolver: string | undefined): Promise<void> {
    return this.#turn(async () => {
      const outbound = await this.#listOutbound();
      for (const slot of slots) {
        this.#links.set(slot.name, slot);
        if (outbound.has(slot.name)) this.#outbound.add(slot.name);
      }
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
    });
    return lost;
  }

  remove(): Promise<void> {
    return this.#turn(async () => {
      this.#removed = true;
      await tryProcess(["nft", "delete", "table", ...this.#name.split(" ")]);
    });
  }

  async #write(): Promise<void> {
    await nft(
      renderRules({
        instanceId: this.#instanceId,
        range: this.#range,
        slots: [...this.#links.values()],
        outbound: this.#outbound,
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
