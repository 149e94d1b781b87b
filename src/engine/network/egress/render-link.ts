import type { EgressRule, PortRange } from "../../../domain/egress.js";
import { formatPorts } from "../../../domain/egress.js";
import { neverReached } from "../../../domain/ipv4-network.js";
import type { ListedLink } from "./listed-link.js";
import { portGroups } from "./name-policy.js";

/** More than any program talks to; a name with ever new addresses fills its own sandbox's set only. */
const maxAdmitted = 4_096;

export interface LinkSurroundings {
  readonly range: string;
  /** What matches packets that go behind one of the host's bridges. */
  readonly elsewhere: string;
}

/** The parts of the table that are one link's own: what its list opens, and where its questions go. */
export function renderLink(link: ListedLink, { range, elsewhere }: LinkSurroundings): string {
  const { slot, rules, names } = link;
  const n = slot.number;
  const groups = portGroups(rules);
  const refuse = refusing(n);
  const pass = `ct mark set ${link.mark} accept`;
  return `
  counter refused_${n} { packets ${link.refusedPackets} bytes 0 }
  counter unnamed_${n} { packets ${link.refusedNames} bytes 0 }
${groups.map((_, group) => `  ${renderSet(nameSet(n, group), link.admitted[group])}`).join("\n")}
  chain egress_${n} {
    ip daddr { ${neverReached.join(", ")} } ${refuse}
    fib daddr type { local, broadcast, multicast } ${refuse}
    ${elsewhere} ${refuse}
${matchesOf(rules, n)
  .map((match) => `    ${match} ${pass}`)
  .join("\n")}
    ${refuse}
  }
  chain questions_${n} {
    ip daddr ${range} udp dport 53 dnat ip to ${slot.hostAddress}:${names.udp}
    ip daddr ${range} tcp dport 53 dnat ip to ${slot.hostAddress}:${names.tcp}
  }`;
}

/** The sets and maps that tell listed links from others, each with the elements of these. */
export function renderMaps(links: readonly ListedLink[]): string {
  const elements = links.map(elementsOf);
  return Object.entries(mapTypes)
    .map(([name, type]) => {
      const own = elements.flatMap((one) => one[name as MapName]);
      return `  ${type.kind} ${name} { type ${type.of};${own.length === 0 ? "" : ` elements = { ${own.join(", ")} };`} }`;
    })
    .join("\n");
}

/** What is added to a table that stands, for one more link. */
export function addLink(table: string, link: ListedLink, surroundings: LinkSurroundings): string {
  const elements = Object.entries(elementsOf(link));
  return [
    `table ${table} {${renderLink(link, surroundings)}\n}`,
    ...elements.map(([map, own]) => `add element ${table} ${map} { ${own.join(", ")} }`),
  ].join("\n");
}

export function removeLinkRules(table: string, link: ListedLink): string {
  const n = link.slot.number;
  const elements = Object.entries(elementsOf(link)).map(
    ([map, own]) => `delete element ${table} ${map} { ${own.join(", ")} }`,
  );
  return [
    ...elements,
    `delete chain ${table} egress_${n}`,
    `delete chain ${table} questions_${n}`,
    ...link.admitted.map((_, group) => `delete set ${table} ${nameSet(n, group)}`),
    `delete counter ${table} refused_${n}`,
    `delete counter ${table} unnamed_${n}`,
  ].join("\n");
}

export interface Admission {
  readonly group: number;
  readonly addresses: readonly string[];
  readonly seconds: number;
}

/** An element's time cannot be changed: it is made sure of, taken away and set again, in one step. */
export function admitAddresses(
  table: string,
  number: number,
  { group, addresses, seconds }: Admission,
): string {
  const set = `${table} ${nameSet(number, group)}`;
  const timed = addresses.map((address) => `${address} timeout ${seconds}s`).join(", ");
  return [
    `add element ${set} { ${timed} }`,
    `delete element ${set} { ${addresses.join(", ")} }`,
    `add element ${set} { ${timed} }`,
  ].join("\n");
}

export const nameSet = (number: number, group: number): string => `names_${number}_${group}`;

const mapTypes = {
  listed: { kind: "set", of: "ifname" },
  flows: { kind: "set", of: "ifname . mark" },
  askable: { kind: "set", of: "ifname . inet_proto . ipv4_addr . inet_service" },
  egress: { kind: "map", of: "ifname : verdict" },
  questions: { kind: "map", of: "ifname : verdict" },
  refused: { kind: "map", of: "ifname : counter" },
  unnamed: { kind: "map", of: "ifname : counter" },
} as const;

type MapName = keyof typeof mapTypes;

function elementsOf({ slot, mark, names }: ListedLink): Record<MapName, readonly string[]> {
  const { name, number, hostAddress } = slot;
  return {
    listed: [`"${name}"`],
    flows: [`"${name}" . ${mark}`],
    askable: [
      `"${name}" . udp . ${hostAddress} . ${names.udp}`,
      `"${name}" . tcp . ${hostAddress} . ${names.tcp}`,
    ],
    egress: [`"${name}" : goto egress_${number}`],
    questions: [`"${name}" : goto questions_${number}`],
    refused: [`"${name}" : "refused_${number}"`],
    unnamed: [`"${name}" : "unnamed_${number}"`],
  };
}

/** Addresses that names have led to, and until when. */
export function renderSet(name: string, admitted: ReadonlyMap<string, number> = new Map()): string {
  const now = Date.now();
  const open = [...admitted].flatMap(([address, until]) => {
    const seconds = Math.ceil((until - now) / 1_000);
    return seconds > 0 ? [`${address} timeout ${seconds}s`] : [];
  });
  const elements = open.length === 0 ? "" : ` elements = { ${open.join(", ")} };`;
  return `set ${name} { type ipv4_addr; size ${maxAdmitted}; flags timeout;${elements} }`;
}

/** Whoever asks is told at once, and it is counted. */
export const refusing = (number: number): string =>
  `counter name refused_${number} reject with icmp type admin-prohibited`;

/** What a list opens. */
export const matchesOf = (rules: readonly EgressRule[], number: number): string[] => [
  ...networkMatches(rules),
  ...portGroups(rules).map((ports, group) => `ip daddr @${nameSet(number, group)}${onPorts(ports)}`),
];

const networkMatches = (rules: readonly EgressRule[]): string[] =>
  rules.flatMap((rule) =>
    rule.kind === "network" ? [`ip daddr ${rule.network}${onPorts(rule.ports)}`] : [],
  );

/** Ports are those of TCP and UDP; without any, all that IPv4 carries is meant. */
const onPorts = (ports: PortRange | undefined): string =>
  ports === undefined ? "" : ` meta l4proto { tcp, udp } th dport ${formatPorts(ports)}`;
