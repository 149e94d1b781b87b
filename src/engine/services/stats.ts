import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { SessionStats } from "../../domain/session-stats.js";
import type { SessionStatsSchema, SessionStatsService } from "../../gen/tenki/engine/v1/stats_pb.js";
import type { Stats } from "../core/sessions/stats.js";
import { defined } from "./convert/defined.js";

/** What sandboxes use of the machine: beyond the contract. */
export const statsMethods = (stats: Stats) =>
  ({
    async getSessionStats({ sessionIds }) {
      return { sessions: (await stats.get(sessionIds)).map(toWireStats) };
    },
  }) satisfies ServiceImpl<typeof SessionStatsService>;

const toWireStats = (stats: SessionStats): MessageInitShape<typeof SessionStatsSchema> => ({
  sessionId: stats.sessionId,
  name: stats.name,
  state: stats.state,
  sampledAt: timestampFromDate(stats.sampledAt),
  ...defined({
    cpuUsageUs: whole(stats.cpuUsageUs),
    cpuCores: stats.cpuCores,
    memoryBytes: whole(stats.memoryBytes),
    memoryLimitBytes: whole(stats.memoryLimitBytes),
    processes: stats.processes,
    processLimit: stats.processLimit,
    networkReceivedBytes: whole(stats.networkReceivedBytes),
    networkSentBytes: whole(stats.networkSentBytes),
    diskUsedBytes: whole(stats.diskUsedBytes),
    diskSizeBytes: whole(stats.diskSizeBytes),
  }),
});

const whole = (value: number | undefined): bigint | undefined =>
  value === undefined ? undefined : BigInt(value);
