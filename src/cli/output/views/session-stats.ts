import type { SessionStats } from "../../../domain/session-stats.js";
import { type Column, column, type Fields, listView, sizeText, type Value, type View } from "../view.js";

/** What sessions use; how busy they are is what they used since the sample before. */
export function sessionStatsView(now: readonly SessionStats[], before: readonly SessionStats[]): View {
  const earlier = new Map(before.map((stats) => [stats.sessionId, stats]));
  return listView(
    now.map((stats) => statsFields(stats, coresUsed(stats, earlier.get(stats.sessionId)))),
    columns,
  );
}

/** Undefined where it cannot be told: a first sample, or a sandbox that began anew. */
function coresUsed(now: SessionStats, before: SessionStats | undefined): number | undefined {
  if (now.cpuUsageUs === undefined || before?.cpuUsageUs === undefined) return undefined;
  const elapsedUs = (now.sampledAt.getTime() - before.sampledAt.getTime()) * 1_000;
  const usedUs = now.cpuUsageUs - before.cpuUsageUs;
  return elapsedUs <= 0 || usedUs < 0 ? undefined : Math.round((usedUs / elapsedUs) * 1_000) / 1_000;
}

const statsFields = (stats: SessionStats, cpuUsedCores: number | undefined): Fields => ({
  id: stats.sessionId,
  name: stats.name,
  state: stats.state,
  sampled_at: stats.sampledAt,
  cpu_used_cores: cpuUsedCores ?? null,
  cpu_cores: stats.cpuCores ?? null,
  cpu_usage_us: stats.cpuUsageUs ?? null,
  memory_bytes: stats.memoryBytes ?? null,
  memory_limit_bytes: stats.memoryLimitBytes ?? null,
  processes: stats.processes ?? null,
  process_limit: stats.processLimit ?? null,
  network_received_bytes: stats.networkReceivedBytes ?? null,
  network_sent_bytes: stats.networkSentBytes ?? null,
  disk_used_bytes: stats.diskUsedBytes ?? null,
  disk_size_bytes: stats.diskSizeBytes ?? null,
});

const columns: readonly Column[] = [
  column("NAME", "name"),
  column("STATE", "state"),
  { header: "CPU", cell: (item) => share(cores(item["cpu_used_cores"]), number(item["cpu_cores"])) },
  { header: "MEMORY", cell: (item) => share(size(item["memory_bytes"]), size(item["memory_limit_bytes"])) },
  { header: "PROCS", cell: (item) => number(item["processes"]) ?? "-" },
  { header: "NET_IN", cell: (item) => size(item["network_received_bytes"]) ?? "-" },
  { header: "NET_OUT", cell: (item) => size(item["network_sent_bytes"]) ?? "-" },
  { header: "DISK", cell: (item) => share(size(item["disk_used_bytes"]), size(item["disk_size_bytes"])) },
];

/** Used of how much; without a bound only what is used. */
const share = (used: string | undefined, bound: string | undefined): string =>
  used === undefined ? "-" : bound === undefined ? used : `${used}/${bound}`;

const cores = (value: Value): string | undefined =>
  typeof value === "number" ? value.toFixed(2) : undefined;

const number = (value: Value): string | undefined => (typeof value === "number" ? `${value}` : undefined);

const size = (value: Value): string | undefined => (typeof value === "number" ? sizeText(value) : undefined);
