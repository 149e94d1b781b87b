import {
  type EgressRule,
  egressRuleForms,
  type EgressUse,
  formatEgressRule,
  maxEgressRules,
  readEgressRule,
} from "../../../domain/egress.js";
import { TenkiError } from "../../../domain/error.js";
import type { Network, NetworkPolicy } from "../ports/network.js";
import type { SessionRecord } from "../ports/store.js";
import type { CreateSession } from "./session-requests.js";

/** A list as it is recorded: each entry in its one form, and once. */
export function checkEgress({
  egress,
  allowOutbound,
}: Pick<CreateSession, "egress" | "allowOutbound">): readonly string[] | undefined {
  if (egress === undefined) return undefined;
  if (allowOutbound === false)
    throw new TenkiError(
      "invalid_argument",
      "a session without a way out cannot have a list of what it may reach",
    );
  const words = new Set(egress.map((word) => formatEgressRule(requireRule(word))));
  if (words.size >= 1 && words.size <= maxEgressRules) return [...words];
  throw new TenkiError("invalid_argument", `a list has 1 to ${maxEgressRules} entries, not ${words.size}`);
}

/** Before anything of a session is made. */
export function requireLists(network: Network): void {
  if (network.holdsToLists) return;
  throw new TenkiError(
    "failed_precondition",
    "this engine cannot hold a sandbox to a list of what it may reach: its network is not its own to rule",
    { hint: "run the engine with --isolation container, or create it with --allow-outbound=false" },
  );
}

/** What a network is told of a session. */
export function networkPolicy({
  allowInbound,
  allowOutbound,
  egress,
}: Pick<SessionRecord, "allowInbound" | "allowOutbound" | "egress">): NetworkPolicy {
  const policy = { inbound: allowInbound, outbound: allowOutbound };
  return egress === undefined ? policy : { ...policy, egress: egress.map(requireRule) };
}

export async function readEgressUse(network: Network, session: SessionRecord): Promise<EgressUse> {
  const refused =
    session.networkHandle === undefined ? undefined : await network.refused(session.networkHandle);
  return {
    allow: session.egress,
    refusedPackets: refused?.packets ?? 0,
    refusedNames: refused?.names ?? 0,
  };
}

function requireRule(word: string): EgressRule {
  const rule = readEgressRule(word);
  if (rule !== undefined) return rule;
  throw new TenkiError("invalid_argument", `"${word}" is nothing that a list can open`, {
    hint: egressRuleForms,
  });
}
