import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { SessionState } from "../../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import type { SessionStatsService } from "../../../src/gen/tenki/engine/v1/stats_pb.js";
import { now, type SessionTable, type StoredSession, timestamp } from "./session-table.js";

const MiB = 2n ** 20n;

/** Each look is a second after the one before, in which every session that runs was busy for half of one. */
export function statsRoutes(
  sessions: SessionTable,
  admit: (context: HandlerContext) => void,
): ServiceImpl<typeof SessionStatsService> {
  let looks = 0n;
  const sample = ({ wire }: StoredSession) => ({
    sessionId: wire.id,
    name: wire.name,
    state: SessionState[wire.state],
    sampledAt: timestamp(now + looks),
    ...(wire.state === SessionState.RUNNING ? usage(looks) : {}),
    diskUsedBytes: 100n * MiB,
    diskSizeBytes: 10_000n * MiB,
  });
  return {
    getSessionStats({ sessionIds }, context) {
      admit(context);
      if (sessions.hidesStats) throw new ConnectError("no such service", Code.Unimplemented);
      looks += 1n;
      const wanted = sessionIds.length > 0 ? sessionIds.map((id) => sessions.get(id)) : living(sessions);
      return { sessions: wanted.map(sample) };
    },
  };
}

const usage = (looks: bigint) => ({
  cpuUsageUs: looks * 500_000n,
  cpuCores: 2,
  memoryBytes: 150n * MiB,
  memoryLimitBytes: 4_096n * MiB,
  processes: 3,
  processLimit: 4_096,
  networkReceivedBytes: 5n * MiB,
  networkSentBytes: 1_000n,
});

const living = (sessions: SessionTable): StoredSession[] =>
  [...sessions.all()].filter(({ wire }) => wire.state !== SessionState.TERMINATED).toReversed();
