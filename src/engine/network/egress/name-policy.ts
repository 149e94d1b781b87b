import {
  type EgressRule,
  formatPorts,
  meansName,
  type NameRule,
  type PortRange,
} from "../../../domain/egress.js";
import { liesWithin, neverReached, privateNetworks } from "../../../domain/ipv4-network.js";

/** The ports that a list opens for names; the addresses of one group are kept together. */
export function portGroups(rules: readonly EgressRule[]): (PortRange | undefined)[] {
  const groups = new Map<string, PortRange | undefined>();
  for (const { ports } of rules.filter(isNameRule)) groups.set(keyOf(ports), ports);
  return [...groups.values()];
}

/** What else a guest can put into a question has a meaning of its own for resolvers: dots in a label, escapes. */
const plainName = /^[a-z0-9_.-]+$/;

/** The places in `portGroups` that a name's addresses belong to; none: the name is not on the list. */
export function groupsOf(rules: readonly EgressRule[], name: string): number[] {
  if (!plainName.test(name)) return [];
  const keys = portGroups(rules).map(keyOf);
  const meant = rules.filter(isNameRule).filter((rule) => meansName(rule, name));
  return [...new Set(meant.map(({ ports }) => keys.indexOf(keyOf(ports))))];
}

/** A name may say whatever its owner likes: it leads behind nobody's door that the list does not open itself. */
export function mayLeadTo(rules: readonly EgressRule[], address: string): boolean {
  const isIn = (network: string) => liesWithin(address, network);
  if (neverReached.some(isIn)) return false;
  if (!privateNetworks.some(isIn)) return true;
  return rules.some((rule) => rule.kind === "network" && isIn(rule.network));
}

const isNameRule = (rule: EgressRule): rule is NameRule => rule.kind === "name";

const keyOf = (ports: PortRange | undefined): string => (ports === undefined ? "" : formatPorts(ports));
