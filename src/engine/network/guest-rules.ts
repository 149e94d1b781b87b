import { runProcess } from "../../lib/process.js";

interface Interface {
  readonly addr_info?: readonly { readonly family: string; readonly local?: string }[];
}

/**
 * The policy for a sandbox whose packets leave through sockets of the host's: it lives in the sandbox's own
 * namespace, where the guest has no right to change it, and names the host's addresses, for a socket of
 * the host's reaches them all.
 */
export async function renderGuestRules(): Promise<string> {
  const interfaces = JSON.parse(await runProcess(["ip", "-j", "address"])) as Interface[];
  const own = interfaces
    .flatMap(({ addr_info = [] }) => addr_info)
    .flatMap(({ family, local }) =>
      family === "inet" && local !== undefined && !local.startsWith("127.") ? [local] : [],
    );
  const closed = [
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "198.19.0.0/16",
    "224.0.0.0/3",
    "10.0.2.2",
    ...own,
  ];
  return `
add table inet tenki
delete table inet tenki
table inet tenki {
  chain leaving {
    type filter hook output priority filter; policy accept;
    oifname "lo" accept
    meta nfproto ipv6 drop
    ip daddr 10.0.2.3 meta l4proto { tcp, udp } th dport 53 accept
    ip daddr 10.0.2.3 drop
    ip daddr { ${[...new Set(closed)].join(", ")} } drop
  }
}
`;
}
