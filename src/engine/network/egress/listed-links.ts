import type { EgressRule } from "../../../domain/egress.js";
import type { Logger } from "../../../lib/logger.js";
import type { NetworkPolicy } from "../../core/ports/network.js";
import type { RuleTable } from "../rule-table.js";
import type { Slot } from "../slot.js";
import { DnsMessages } from "./dns-messages.js";
import { type KnownLink, listLink, type ListedLink } from "./listed-link.js";
import { NameAnswers } from "./name-answers.js";
import { NameServer } from "./name-server.js";
import { listenAt } from "./name-sockets.js";

export interface ListedLinksOptions {
  readonly rules: RuleTable;
  /** How long an address stays open after its name's time to live: who holds on to it a little is not cut off. Default 60. */
  readonly openSeconds?: number | undefined;
  readonly log: Logger;
}

export interface RecoveredLinks {
  readonly listed: readonly ListedLink[];
  /** The names of those that nothing may leave. */
  readonly closed: ReadonlySet<string>;
}

/** The links that have a list, each with the server that answers its questions about names. */
export class ListedLinks {
  readonly #options: ListedLinksOptions;
  readonly #servers = new Map<string, NameServer>();

  constructor(options: ListedLinksOptions) {
    this.#options = options;
  }

  /** Begins to hear a link's questions; nothing is open before the table says so. */
  async begin(slot: Slot, rules: readonly EgressRule[], known?: KnownLink): Promise<ListedLink> {
    const { rules: table, openSeconds = 60, log } = this.#options;
    const answers = new NameAnswers({
      rules,
      messages: await DnsMessages.load(),
      resolver: () => table.resolver,
      admit: (group, addresses, seconds) => table.admit(slot.name, { group, addresses, seconds }),
      openSeconds,
      log,
    });
    this.end(slot.name);
    const server = new NameServer(await listenAt(slot.hostAddress), (question) => answers.answer(question));
    this.#servers.set(slot.name, server);
    return listLink(slot, rules, server.ports, known);
  }

  /** After a restart. One whose questions cannot be heard again loses its way out; the others are not to suffer. */
  async recover(
    slots: readonly Slot[],
    policies: ReadonlyMap<string, NetworkPolicy>,
  ): Promise<RecoveredLinks> {
    const known = await this.#options.rules.readKnown();
    const listed: ListedLink[] = [];
    const closed = new Set<string>();
    for (const slot of slots) {
      const { egress, outbound } = policies.get(slot.name) ?? nothing;
      if (!outbound) closed.add(slot.name);
      if (egress === undefined) continue;
      try {
        listed.push(await this.begin(slot, egress, known(slot)));
      } catch (error) {
        closed.add(slot.name);
        this.#options.log.warn("cannot hold a sandbox to its list: it has no way out", {
          network: slot.name,
          error: error instanceof Error ? error.message : String(error),
        });
      }
    }
    return { listed, closed };
  }

  end(name: string): void {
    this.#servers.get(name)?.close();
    this.#servers.delete(name);
  }

  endAll(): void {
    for (const name of this.#servers.keys()) this.end(name);
  }
}

const nothing: NetworkPolicy = { outbound: false };
