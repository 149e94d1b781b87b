import { firstAddress, isAddress, liesWithin, neverReached } from "./ipv4-network.js";

/** What a sandbox with a list may reach: a name, or a network, on some ports or on all. */
export type EgressRule = NameRule | NetworkRule;

export interface NameRule {
  readonly kind: "name";
  readonly name: string;
  /** `*.name`: every name below it, and not the name itself. */
  readonly below: boolean;
  readonly ports?: PortRange | undefined;
}

export interface NetworkRule {
  readonly kind: "network";
  /** In CIDR form. */
  readonly network: string;
  readonly ports?: PortRange | undefined;
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** How much of what was not on its list a sandbox has tried. */
export interface EgressUse {
  /** In the list's own words; undefined: there is no list. */
  readonly allow?: readonly string[] | undefined;
  readonly refusedPackets: number;
  readonly refusedNames: number;
}

/** How many entries a list may have. */
export const maxEgressRules = 256;

export const egressRuleForms =
  "name[:port[-port]], *.name, an IPv4 address or a network like 10.0.0.0/8, each with a port or without";

/** Undefined: the word is none. */
export function readEgressRule(word: string): EgressRule | undefined {
  const [target = "", portText, more] = word.split(":");
  const ports = portText === undefined ? undefined : readPorts(portText);
  if (more !== undefined || (portText !== undefined && ports === undefined)) return undefined;
  const network = readNetwork(target);
  if (network !== undefined) return { kind: "network", network, ports };
  const below = target.startsWith("*.");
  const name = (below ? target.slice(2) : target).toLowerCase().replace(/\.$/, "");
  return isName(name) ? { kind: "name", name, below, ports } : undefined;
}

export function formatEgressRule(rule: EgressRule): string {
  const target = rule.kind === "name" ? `${rule.below ? "*." : ""}${rule.name}` : shortNetwork(rule.network);
  return rule.ports === undefined ? target : `${target}:${formatPorts(rule.ports)}`;
}

export const formatPorts = ({ first, last }: PortRange): string =>
  first === last ? String(first) : `${first}-${last}`;

/** Whether a name, in lower case and without a dot at its end, is one that the rule means. */
export const meansName = (rule: NameRule, name: string): boolean =>
  rule.below ? name.endsWith(`.${rule.name}`) : name === rule.name;

function readPorts(text: string): PortRange | undefined {
  const parts = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (parts === null) return undefined;
  const first = Number(parts[1]);
  const last = Number(parts[2] ?? parts[1]);
  return first >= 1 && first <= last && last <= 65_535 ? { first, last } : undefined;
}

/** A network with bits of a host's in it is more likely a slip than a wish. */
function readNetwork(text: string): string | undefined {
  const [address = "", bits = "32", more] = text.split("/");
  if (more !== undefined || !isAddress(address) || !/^\d{1,2}$/.test(bits) || Number(bits) > 32)
    return undefined;
  const network = `${address}/${Number(bits)}`;
  return firstAddress(network) === address && !neverReached.some((range) => liesWithin(network, range))
    ? network
    : undefined;
}

/** Without a top level of digits only: that would be an address that was mistyped. */
const isName = (name: string): boolean =>
  name.length <= 253 &&
  name.split(".").every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label)) &&
  !/(^|\.)\d+$/.test(name);

const shortNetwork = (network: string): string => network.replace(/\/32$/, "");
