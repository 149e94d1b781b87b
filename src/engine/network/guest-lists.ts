import type { EgressRule } from "../../domain/egress.js";
import { KeyedMutex } from "../../lib/keyed-mutex.js";
import type { Logger } from "../../lib/logger.js";
import { runProcess } from "../../lib/process.js";
import type { Refused } from "../core/ports/network.js";
import { DnsMessages } from "./egress/dns-messages.js";
import { readCounts } from "./egress/known-links.js";
import { NameAnswers } from "./egress/name-answers.js";
import { NameServer } from "./egress/name-server.js";
import { listenInside } from "./egress/name-sockets.js";
import { type Admission, admitAddresses } from "./egress/render-link.js";
import { guestNumber, guestTable } from "./guest-rules.js";
import { findResolver } from "./resolver.js";
import { slirpResolver } from "./slirp.js";

export interface GuestListsOptions {
  /** Default: the host's own. */
  readonly dnsServers?: readonly string[] | undefined;
  /** How long an address stays open after its name's time to live. Default 60. */
  readonly openSeconds?: number | undefined;
  readonly log: Logger;
}

export const enter = (namespacePath: string): string[] => ["nsenter", `--net=${namespacePath}`];

/** What the kernel has counted in a namespace. */
export async function readRefused(namespacePath: string): Promise<Refused | undefined> {
  const counts = (await readCounts(guestTable, enter(namespacePath)))?.(guestNumber);
  const { refusedPackets: packets, refusedNames: names } = counts ?? {};
  return packets === undefined || names === undefined ? undefined : { packets, names };
}

/**
 * For sandboxes whose list is held to by rules in their own namespace: answers their questions about names there, at
 * the address at which slirp4netns would, which is made one of loopback's so that none of them leaves.
 */
export class GuestLists {
  readonly #options: GuestListsOptions;
  /** By the namespaces that have a list; undefined where questions cannot be heard. */
  readonly #servers = new Map<string, NameServer | undefined>();
  readonly #turns = new KeyedMutex();

  constructor(options: GuestListsOptions) {
    this.#options = options;
  }

  async hear(namespacePath: string, rules: readonly EgressRule[]): Promise<void> {
    const { dnsServers = [], openSeconds = 60, log } = this.#options;
    this.end(namespacePath);
    this.#servers.set(namespacePath, undefined);
    const answers = new NameAnswers({
      rules,
      messages: await DnsMessages.load(),
      resolver: () => findResolver(dnsServers), // a host's resolver changes with its network
      admit: (group, addresses, seconds) => this.#admit(namespacePath, { group, addresses, seconds }),
      openSeconds,
      log,
    });
    await runProcess([
      ...enter(namespacePath),
      ...["ip", "address", "replace", `${slirpResolver}/32`, "dev", "lo"],
    ]);
    const sockets = await listenInside(namespacePath, slirpResolver);
    this.#servers.set(namespacePath, new NameServer(sockets, (question) => answers.answer(question)));
  }

  /** Undefined where there is no list. */
  async refused(namespacePath: string): Promise<Refused | undefined> {
    return this.#servers.has(namespacePath) ? readRefused(namespacePath) : undefined;
  }

  end(namespacePath: string): void {
    this.#servers.get(namespacePath)?.close();
    this.#servers.delete(namespacePath);
  }

  endAll(): void {
    for (const path of this.#servers.keys()) this.end(path);
  }

  #admit(namespacePath: string, admission: Admission): Promise<void> {
    const input = admitAddresses(guestTable, guestNumber, admission);
    return this.#turns.run(namespacePath, async () => {
      await runProcess([...enter(namespacePath), "nft", "-f", "-"], { input });
    });
  }
}
