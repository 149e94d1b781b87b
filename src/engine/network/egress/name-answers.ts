import type { EgressRule } from "../../../domain/egress.js";
import type { Logger } from "../../../lib/logger.js";
import type { AnswerProblem, AskedName, DnsMessages, NameAnswer } from "./dns-messages.js";
import { lookUp } from "./look-up.js";
import { groupsOf, mayLeadTo } from "./name-policy.js";

export interface NameAnswersOptions {
  readonly rules: readonly EgressRule[];
  readonly messages: DnsMessages;
  readonly resolver: () => string | undefined | Promise<string | undefined>;
  /** Opens addresses in a group of ports. */
  readonly admit: (group: number, addresses: readonly string[], seconds: number) => Promise<void>;
  /** How long an address stays open after its name's time to live. */
  readonly openSeconds: number;
  readonly log: Logger;
}

const maxSeconds = 3_600;
const maxKept = 1_024;

/** Answers a sandbox's questions about the names on its list, once their addresses are open to it. */
export class NameAnswers {
  readonly #options: NameAnswersOptions;
  readonly #kept = new Map<string, { readonly addresses: readonly string[]; readonly until: number }>();

  constructor(options: NameAnswersOptions) {
    this.#options = options;
  }

  async answer(message: Buffer): Promise<Buffer | undefined> {
    const { messages, rules, log } = this.#options;
    const asked = messages.read(message);
    if (asked === undefined) return undefined;
    const groups = groupsOf(rules, asked.name);
    if (groups.length === 0) return messages.refuse(asked, "not_allowed");
    if (!asked.forAddress) return messages.answer(asked, nothing);
    try {
      const answer = this.#find(asked.name) ?? (await this.#open(asked, groups));
      return typeof answer === "string" ? messages.refuse(asked, answer) : messages.answer(asked, answer);
    } catch (error) {
      log.warn("cannot open what a name leads to", {
        error: error instanceof Error ? error.message : String(error),
      });
      return messages.refuse(asked, "failed");
    }
  }

  async #open(asked: AskedName, groups: readonly number[]): Promise<NameAnswer | AnswerProblem> {
    const { messages, rules, resolver, admit, openSeconds } = this.#options;
    const found = await lookUp(asked.name, await resolver());
    if (typeof found === "string") return found;
    const ttlSeconds = Math.min(found.ttlSeconds, maxSeconds);
    const addresses = found.addresses.filter((address) => mayLeadTo(rules, address));
    if (addresses.length === 0) return nothing;
    const answer = messages.fit(asked, { addresses, ttlSeconds });
    for (const group of groups) await admit(group, answer.addresses, ttlSeconds + openSeconds);
    this.#keep(asked.name, answer);
    return answer;
  }

  #find(name: string): NameAnswer | undefined {
    const kept = this.#kept.get(name);
    const ttlSeconds = Math.floor(((kept?.until ?? 0) - Date.now()) / 1_000);
    return kept === undefined || ttlSeconds <= 0 ? undefined : { addresses: kept.addresses, ttlSeconds };
  }

  #keep(name: string, { addresses, ttlSeconds }: NameAnswer): void {
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= maxKept && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.delete(name);
    this.#kept.set(name, { addresses, until: Date.now() + ttlSeconds * 1_000 });
  }
}

const nothing: NameAnswer = { addresses: [], ttlSeconds: 0 };
