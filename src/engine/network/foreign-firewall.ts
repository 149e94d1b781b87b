import { tryProcess } from "../../lib/process.js";
import { linkPrefix } from "./slot.js";

/**
 * Where somebody else's firewall drops what is forwarded unless it is listed (docker sets that policy, ufw
 * too), our links have to be listed there. What may pass is decided by our own table all the same.
 */
export async function passForeignFirewall(instanceId: string): Promise<void> {
  const { stdout } = await iptables("-S", "FORWARD");
  if (!/^-P FORWARD DROP$/m.test(stdout)) return;
  for (const rule of rulesOf(instanceId)) {
    if ((await iptables("-C", "FORWARD", ...rule)).exitCode !== 0) await iptables("-I", "FORWARD", ...rule);
  }
}

export async function leaveForeignFirewall(instanceId: string): Promise<void> {
  for (const rule of rulesOf(instanceId)) {
    while ((await iptables("-C", "FORWARD", ...rule)).exitCode === 0)
      await iptables("-D", "FORWARD", ...rule);
  }
}

function rulesOf(instanceId: string): string[][] {
  const comment = ["-m", "comment", "--comment", `tenki-${instanceId}`];
  const links = `${linkPrefix(instanceId)}+`;
  return [
    ["-i", links, ...comment, "-j", "ACCEPT"],
    ["-o", links, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", ...comment, "-j", "ACCEPT"],
  ];
}

/** A machine without iptables has no policy of that kind. */
async function iptables(...args: readonly string[]): Promise<{ exitCode: number; stdout: string }> {
  return tryProcess(["iptables", "-w", "5", ...args]).catch(() => ({ exitCode: 127, stdout: "" }));
}
