import type { Context } from "../context.js";
import type { Io } from "../io.js";
import { resolveEndpoint } from "../settings.js";
import { canRelay, guestProgram } from "../start-relay.js";

export interface ProxyCall {
  readonly sessionId: string;
  readonly gateway: string | undefined;
  /** Default: the key of this command line. */
  readonly identityFile: string | undefined;
}

/** Ahead of the command line's own words: who needs it only where no login was made a moment ago. */
export const knockWords = (io: Io): readonly string[] => (canRelay(io) ? [guestProgram(io), "knock"] : []);

/** The words by which ssh has this command line carry its bytes, from wherever it is called. */
export async function proxyWords(ctx: Context, call: ProxyCall): Promise<string[]> {
  const { io, common, config } = ctx;
  const saved = await config.get("api_endpoint");
  const endpoint = resolveEndpoint(io, saved, common.endpoint);
  return [
    ...knockWords(io),
    ...io.self,
    ...["sandbox", "ssh-proxy", "--session", call.sessionId],
    ...(call.identityFile === undefined ? [] : ["--identity-file", call.identityFile]),
    ...(endpoint === saved ? [] : ["--endpoint", endpoint]),
    ...(call.gateway === undefined ? [] : ["--gateway", call.gateway]),
  ];
}
