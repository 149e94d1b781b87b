import type { Client, Session } from "../../client/index.js";
import type { Context } from "../context.js";
import type { LocalEngine } from "./find-engine.js";

/** Asks a local engine something with its own token, whatever the command line is logged in to. */
export async function askEngine<T>(
  ctx: Context,
  { endpoint, token }: LocalEngine,
  ask: (client: Client) => Promise<T>,
): Promise<T> {
  const own = { gateway: undefined, workspaceId: undefined, projectId: undefined };
  const client = await ctx.connect({ ...own, endpoint, token, isLocal: true, tokenIsSaved: false });
  try {
    return await ask(client);
  } finally {
    client.close();
  }
}

export const liveSessions = (ctx: Context, engine: LocalEngine): Promise<Session[]> =>
  askEngine(ctx, engine, (client) => client.list());
