import { tryProcess } from "../../lib/process.js";
import { linkPrefix } from "./slot.js";

/**
 * Where somebody else's firewall drops what is not listed (docker sets that policy for what is forwarded,
 * ufw for what arrives too), our links have to be listed there: last, so that whatever it says itself comes
 * first. What may pass is decided by our own table all the same.
 */
export async function passForeignFirewall(instanceId: string): Promise<void> {
  for (const [chain, rules] of rulesOf(instanceId)) {
    const { stdout } = await iptables("-S", chain);
    if (!stdout.includes(`-P ${chain} DROP\n`)) continue;
    for (const rule of rules) {
      if ((await iptables("-C", chain, ...rule)).exitCode !== 0) await iptables("-A", chain, ...rule);
    }
  }
}

export async function leaveForeignFirewall(instanceId: string): Promise<void> {
  for (const [chain, rules] of rulesOf(instanceId)) {
    for (const rule of rules) await iptables("-D", chain, ...rule);
  }
}

function rulesOf(instanceId: string): [chain: string, rules: string[][]][] {
  const accept = ["-m", "comment", "--comment", `tenki-${instanceId}`, "-j", "ACCEPT"];
  const links = `${linkPrefix(instanceId)}+`;
  const question = (protocol: string) => [
    "-p",
    protocol,
    "-m",
    "conntrack",
    "--ctstate",
    "DNAT",
    "--ctorigdstport",
    "53",
  ];
  return [
    [
      "FORWARD",
      [
        ["-i", links, ...accept],
        ["-o", links, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", ...accept],
      ],
    ],
    ["INPUT", ["udp", "tcp"].map((protocol) => ["-i", links, ...question(protocol), ...accept])],
  ];
}

/** A machine without iptables has no policy of that kind. */
async function iptables(...args: readonly string[]): Promise<{ exitCode: number; stdout: string }> {
  return tryProcess(["iptables", "-w", "5", ...args]).catch(() => ({ exitCode: 127, stdout: "" }));
}
