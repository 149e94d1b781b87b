import type { EgressRule } from "../../../domain/egress.js";
import type { Slot } from "../slot.js";
import type { NamePorts } from "./name-server.js";
import { portGroups } from "./name-policy.js";

/** A link that has a list, as the kernel's table is to have it. */
export interface ListedLink {
  readonly slot: Slot;
  readonly rules: readonly EgressRule[];
  /** What its own connections are marked with: those of a former sandbox at its address are not. */
  readonly mark: number;
  /** Where the engine hears its questions about names. */
  readonly names: NamePorts;
  /** Addresses that names have led to, by when they close again; one map for each group of ports. */
  readonly admitted: readonly Map<string, number>[];
  refusedPackets: number;
  refusedNames: number;
}

/** What the kernel knew of a link before. */
export type KnownLink = Pick<ListedLink, "mark" | "admitted" | "refusedPackets" | "refusedNames">;

export function listLink(
  slot: Slot,
  rules: readonly EgressRule[],
  names: NamePorts,
  known: KnownLink = newLink(),
): ListedLink {
  const admitted = portGroups(rules).map((_, group) => known.admitted[group] ?? new Map<string, number>());
  return { slot, rules, names, ...known, admitted };
}

const newLink = (): KnownLink => ({
  mark: 1 + Math.floor(Math.random() * 0x7fff_fffe),
  admitted: [],
  refusedPackets: 0,
  refusedNames: 0,
});
