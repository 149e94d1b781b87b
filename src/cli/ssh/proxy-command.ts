import type { Context } from "../context.js";
import { resolveEndpoint } from "../settings.js";

/** The words by which ssh has this command line carry its bytes, from wherever it is called. */
export async function proxyWords(ctx: Context, sessionId: string, gateway?: string): Promise<string[]> {
  const { io, common, config } = ctx;
  const saved = await config.get("api_endpoint");
  const endpoint = resolveEndpoint(io, saved, common.endpoint);
  return [
    ...io.self,
    ...["sandbox", "ssh-proxy", "--session", sessionId],
    ...(endpoint === saved ? [] : ["--endpoint", endpoint]),
    ...(gateway === undefined ? [] : ["--gateway", gateway]),
  ];
}
