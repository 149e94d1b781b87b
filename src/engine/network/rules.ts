import { neverReached } from "../../domain/ipv4-network.js";
import type { ListedLink } from "./egress/listed-link.js";
import { renderLink, renderMaps } from "./egress/render-link.js";
import { linkPrefix, type Slot, slotsPerRange } from "./slot.js";

export const tableName = (instanceId: string): string => `inet tenki_${instanceId}`;

export interface RuleInputs {
  readonly instanceId: string;
  readonly range: string;
  /** Links that are there. */
  readonly slots: readonly Slot[];
  /** The names of those that may reach the world. */
  readonly outbound: ReadonlySet<string>;
  /** The names of those that the host's own programs may connect to. */
  readonly inbound?: ReadonlySet<string> | undefined;
  /** Those of them that may reach only what is on their list. */
  readonly listed?: readonly ListedLink[] | undefined;
  /** Where questions about names go; undefined: nowhere. */
  readonly resolver: string | undefined;
  /** The interfaces that lead to the world. */
  readonly uplinks: readonly string[];
}

/** Enough for a crawler; a sixteenth of what a small machine's kernel keeps for all. */
const maxConnections = 4_096;

/** The whole policy of an engine as one transaction for `nft -f -`; it replaces what was there. */
export function renderRules(inputs: RuleInputs): string {
  const { instanceId, range, slots, outbound, inbound = nobody, listed = [], resolver, uplinks } = inputs;
  const table = tableName(instanceId);
  const ours = `"${linkPrefix(instanceId)}*"`;
  const question = "meta l4proto { tcp, udp } th dport 53";
  const those = (chosen: ReadonlySet<string>) =>
    elements(slots.filter(({ name }) => chosen.has(name)).map(({ name }) => `"${name}"`));
  const elsewhere = behindBridge(uplinks);
  return `
add table ${table}
delete table ${table}
table ${table} {
  set outbound { type ifname; ${those(outbound)} }
  set inbound { type ifname; ${those(inbound)} }
  # How many connections each sandbox has: the kernel's table of them is everybody's.
  set connections { type ipv4_addr; size ${slotsPerRange}; flags dynamic; }
  set sources { type ifname . ipv4_addr; ${elements(slots.map(sourceElement))} }
${listed.map((link) => renderLink(link, { range, elsewhere })).join("\n")}
${renderMaps(listed)}

  # Before anything else: nothing but IPv4 from the link's own address, and nothing to loopback.
  chain arriving {
    type filter hook prerouting priority raw; policy accept;
    iifname ${ours} meta nfproto ipv6 drop
    iifname ${ours} meta nfproto ipv4 iifname . ip saddr != @sources drop
    iifname ${ours} ip daddr 127.0.0.0/8 drop
  }
  # The host's addresses are closed before anybody's forwarding of ports makes other addresses of them.
  chain asking_host {
    type filter hook prerouting priority mangle; policy accept;
    iifname @outbound ip daddr ${range} ${question} accept
    iifname @listed ct direction original fib daddr type local counter name iifname map @refused
    iifname ${ours} ct direction original fib daddr type local drop
  }
  # Names are asked of the gateway, and answered by the host's resolver; those of a list by the engine.
  chain names {
    type nat hook prerouting priority dstnat; policy accept;
    iifname vmap @questions
    iifname @listed accept
    ${resolver === undefined ? "" : `iifname @outbound ip daddr ${range} ${question} dnat ip to ${resolver}`}
  }
  # A resolver on loopback answers loopback only.
  chain names_on_loopback {
    type nat hook input priority 100; policy accept;
    iifname ${ours} ip daddr 127.0.0.0/8 snat ip to 127.0.0.1
  }
  # The engine's word that a name is not on a list, by its flags: answered with authority, no such name.
  chain answering {
    type filter hook output priority filter; policy accept;
    oifname @listed meta l4proto udp ct direction reply ct original proto-dst 53 @th,80,16 & 0x040f == 0x0403 counter name oifname map @unnamed
  }
  # To the host itself: answers, and questions about names.
  chain to_host {
    type filter hook input priority filter - 5; policy accept;
    iifname ${ours} ct direction reply ct state established,related accept
    iifname . meta l4proto . ip daddr . th dport @askable ct status dnat accept
    iifname @listed drop
    iifname @outbound ct status dnat ${question} accept
    iifname ${ours} drop
  }
  # From the host itself: answers; and connections where inbound is on. Who asks is told at once.
  chain from_host {
    type filter hook output priority filter - 5; policy accept;
    oifname ${ours} oifname != @inbound ct state new reject with icmpx type admin-prohibited
  }
  # What may not go out is dropped before connections are looked at: one of a former sandbox at the same
  # address may still be known. Bridges that do not lead to the world have the host's own guests behind them.
  chain through_host {
    type filter hook forward priority filter - 5; policy accept;
    iifname ${ours} iifname != @outbound drop
    oifname ${ours} oifname != @outbound drop
    iifname ${ours} tcp flags syn / syn,rst tcp option maxseg size set rt mtu
    iifname . ct mark @flows ct state established,related accept
    iifname ${ours} iifname != @listed ct state established,related accept
    iifname ${ours} ct state new add @connections { ip saddr ct count over ${maxConnections} } drop
    iifname vmap @egress
    iifname @listed drop
    iifname ${ours} ct status dnat ${question} accept
    iifname ${ours} ip daddr { ${neverReached.join(", ")} } drop
    iifname ${ours} fib daddr type { local, broadcast, multicast } drop
    iifname ${ours} ${elsewhere} drop
    oifname ${ours} ct state established,related accept
    oifname ${ours} drop
  }
  chain leaving {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${range} oifname != ${ours} masquerade
  }
}
`;
}

/** What does not lead to the world, as far as that is known. */
export const behindBridge = (uplinks: readonly string[]): string => {
  const names = uplinks.map((name) => `"${name}"`).join(", ");
  return uplinks.length === 0 ? 'meta oifkind "bridge"' : `oifname != { ${names} } meta oifkind "bridge"`;
};

export const sourceElement = ({ name, guestAddress }: Slot): string => `"${name}" . ${guestAddress}`;

const nobody: ReadonlySet<string> = new Set();

const elements = (list: readonly string[]): string =>
  list.length === 0 ? "" : `elements = { ${list.join(", ")} }`;
