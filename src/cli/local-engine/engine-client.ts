import type { Client, Session } from "../../client/index.js";
import type { Context } from "../context.js";
import { asTenkiError } from "../output/error.js";
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

/** Undefined where the engine, which runs, does not answer us: a certificate may not be trusted here. Says why. */
export async function askSessions(ctx: Context, engine: LocalEngine): Promise<Session[] | undefined> {
  try {
    return await liveSessions(ctx, engine);
  } catch (error) {
    const { message, hint } = asTenkiError(error);
    await ctx.warn(`warning: cannot ask the engine for its sessions: ${message}`);
    if (hint !== undefined) await ctx.warn(`hint: ${hint}`);
    return undefined;
  }
}
