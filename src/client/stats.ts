import { TenkiError } from "../domain/error.js";
import type { SessionStats } from "../domain/session-stats.js";
import { sessionStatsFromWire } from "./convert/session-stats.js";
import { CapabilityUnavailableError } from "./errors.js";
import type { CallSettings, Rpc } from "./rpc.js";

/** What sessions use at this moment, in the order asked for; without ids all that are not over. */
export async function getStats(
  rpc: Rpc,
  sessionIds: readonly string[],
  options?: CallSettings,
): Promise<SessionStats[]> {
  try {
    const { sessions } = await rpc.stats("getSessionStats", { sessionIds: [...sessionIds] }, options);
    return sessions.map(sessionStatsFromWire);
  } catch (error) {
    if (!(error instanceof TenkiError) || error.kind !== "unimplemented") throw error;
    throw new CapabilityUnavailableError(
      "unimplemented",
      `the service at ${rpc.settings.endpoint} does not tell what sessions use`,
      { cause: error, hint: "tenki engine start runs a service that does" },
    );
  }
}
