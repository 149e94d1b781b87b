import { readFile } from "node:fs/promises";
import { isSameProcess, type ProcessIdentity } from "../../lib/process-identity.js";
import type { SandboxStats } from "../../domain/session-stats.js";

type NetworkStats = Pick<SandboxStats, "networkReceivedBytes" | "networkSentBytes">;

/** What went through the interfaces of the network namespace that a process is in, loopback aside. */
export async function readNetworkStats(init: ProcessIdentity): Promise<NetworkStats> {
  const table = await readFile(`/proc/${init.pid}/net/dev`, "utf8").catch(() => undefined);
  // Its pid may have been given to another process meanwhile, which is in another namespace.
  return table === undefined || !isSameProcess(init) ? {} : networkStatsOf(table);
}

/** After two lines of headings, one for each interface: its name, eight counts of what came in, eight of what went out. */
export function networkStatsOf(table: string): NetworkStats {
  const links = table.split("\n").flatMap((line) => {
    const [, name, counts] = /^\s*([^\s|:]+):(.*)$/.exec(line) ?? [];
    return name === undefined || name === "lo" ? [] : [(counts ?? "").trim().split(/\s+/).map(Number)];
  });
  const sum = (column: number) => links.reduce((all, counts) => all + (counts[column] ?? 0), 0);
  return { networkReceivedBytes: sum(0), networkSentBytes: sum(8) };
}
