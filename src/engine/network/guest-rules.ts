import type { EgressRule } from "../../domain/egress.js";
import { neverReached } from "../../domain/ipv4-network.js";
import { runProcess } from "../../lib/process.js";
import { portGroups } from "./egress/name-policy.js";
import { matchesOf, nameSet, refusing, renderSet } from "./egress/render-link.js";
import { slirpResolver } from "./slirp.js";

interface Interface {
  readonly addr_info?: readonly { readonly family: string; readonly local?: string }[];
}

export const guestTable = "inet tenki";

/** A namespace has one list at most. */
export const guestNumber = 0;

export interface GuestList {
  readonly rules: readonly EgressRule[];
  readonly refusedPackets: number;
  readonly refusedNames: number;
}

/**
 * The policy for a sandbox whose packets leave through sockets of the host's: it lives in the sandbox's own
 * namespace, where the guest has no right to change it, and names the host's addresses, for a socket of
 * the host's reaches them all.
 */
export async function renderGuestRules(list?: GuestList): Promise<string> {
  const closed = [...new Set([...neverReached, "10.0.2.2", ...(await listOwnAddresses())])].join(", ");
  return `
add table ${guestTable}
delete table ${guestTable}
table ${guestTable} {${list === undefined ? "" : renderCounted(list.rules, list)}
  chain leaving {
    type filter hook output priority filter; policy accept;
${list === undefined ? openTo(closed) : listedOnly(list.rules, closed)}
  }
}
`;
}

/** The world, and the host's resolver for names. */
const openTo = (closed: string): string => `
    oifname "lo" accept
    meta nfproto ipv6 drop
    ip daddr ${slirpResolver} meta l4proto { tcp, udp } th dport 53 accept
    ip daddr ${slirpResolver} drop
    ip daddr { ${closed} } drop`;

/** What the list opens; the engine answers for names at an address of loopback's, with authority where there is no such name. */
const listedOnly = (rules: readonly EgressRule[], closed: string): string => `
    oifname "lo" ip saddr ${slirpResolver} udp sport 53 @th,80,16 & 0x040f == 0x0403 counter name unnamed_${guestNumber}
    oifname "lo" accept
    meta nfproto ipv6 drop
    ip daddr { ${closed}, ${slirpResolver} } ${refusing(guestNumber)}
    ct state established,related accept
${matchesOf(rules, guestNumber)
  .map((match) => `    ${match} accept`)
  .join("\n")}
    ${refusing(guestNumber)}`;

const renderCounted = (rules: readonly EgressRule[], counts: GuestList): string => `
  counter refused_${guestNumber} { packets ${counts.refusedPackets} bytes 0 }
  counter unnamed_${guestNumber} { packets ${counts.refusedNames} bytes 0 }
${portGroups(rules)
  .map((_, group) => `  ${renderSet(nameSet(guestNumber, group))}`)
  .join("\n")}`;

async function listOwnAddresses(): Promise<string[]> {
  const interfaces = JSON.parse(await runProcess(["ip", "-j", "address"])) as Interface[];
  return interfaces
    .flatMap(({ addr_info = [] }) => addr_info)
    .flatMap(({ family, local }) =>
      family === "inet" && local !== undefined && !local.startsWith("127.") ? [local] : [],
    );
}
