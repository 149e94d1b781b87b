import type { SessionStats } from "../domain/session-stats.js";
import { sessionStatsFromWire } from "./convert/session-stats.js";
import { ifOffered } from "./if-offered.js";
import type { CallSettings, Rpc } from "./rpc.js";

/** What sessions use at this moment, in the order asked for; without ids all that are not over. */
export async function getStats(
  rpc: Rpc,
  sessionIds: readonly string[],
  options?: CallSettings,
): Promise<SessionStats[]> {
  const lack = {
    says: "does not tell what sessions use",
    hint: "tenki engine start runs a service that does",
  };
  const { sessions } = await ifOffered(rpc, lack, () =>
    rpc.stats("getSessionStats", { sessionIds: [...sessionIds] }, options),
  );
  return sessions.map(sessionStatsFromWire);
}
