import type { Context } from "../context.js";
import { resolveEndpoint } from "../settings.js";

export interface ProxyCall {
  readonly sessionId: string;
  readonly gateway: string | undefined;
  /** Default: the key of this command line. */
  readonly identityFile: string | undefined;
}

/** The words by which ssh has this command line carry its bytes, from wherever it is called. */
export async function proxyWords(ctx: Context, call: ProxyCall): Promise<string[]> {
  const { io, common, config } = ctx;
  const saved = await config.get("api_endpoint");
  const endpoint = resolveEndpoint(io, saved, common.endpoint);
  return [
    ...io.self,
    ...["sandbox", "ssh-proxy", "--session", call.sessionId],
    ...(call.identityFile === undefined ? [] : ["--identity-file", call.identityFile]),
    ...(endpoint === saved ? [] : ["--endpoint", endpoint]),
    ...(call.gateway === undefined ? [] : ["--gateway", call.gateway]),
  ];
}
