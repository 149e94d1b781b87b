import { sessionStates } from "../../domain/session.js";
import type { SessionStats } from "../../domain/session-stats.js";
import type { SessionStats as WireStats } from "../../gen/tenki/engine/v1/stats_pb.js";
import { dateFromWire } from "./time.js";

export function sessionStatsFromWire(wire: WireStats): SessionStats {
  return {
    sessionId: wire.sessionId,
    name: wire.name,
    state: sessionStates.find((state) => state === wire.state) ?? "CREATING",
    sampledAt: dateFromWire(wire.sampledAt) ?? new Date(),
    cpuUsageUs: toNumber(wire.cpuUsageUs),
    cpuCores: wire.cpuCores,
    memoryBytes: toNumber(wire.memoryBytes),
    memoryLimitBytes: toNumber(wire.memoryLimitBytes),
    processes: wire.processes,
    processLimit: wire.processLimit,
    networkReceivedBytes: toNumber(wire.networkReceivedBytes),
    networkSentBytes: toNumber(wire.networkSentBytes),
    diskUsedBytes: toNumber(wire.diskUsedBytes),
    diskSizeBytes: toNumber(wire.diskSizeBytes),
  };
}

const toNumber = (value: bigint | undefined): number | undefined =>
  value === undefined ? undefined : Number(value);
