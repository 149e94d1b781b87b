import type { Session } from "../../client/index.js";
import type { OptionsOf } from "../command.js";
import type { Context } from "../context.js";
import { sessionView } from "../output/views/session.js";
import type { View } from "../output/view.js";
import { defaultWaitMs } from "../session-options.js";
import { waitReady } from "../wait-ready.js";
import type { createFlags } from "./create-flags.js";
import { createOptions } from "./create-options.js";

type Options = OptionsOf<{ readonly flags: typeof createFlags }> & {
  readonly wait: boolean;
  readonly waitTimeout: number | undefined;
};

/** Makes a session, waits for it unless told not to, makes it the current one, and shows it. */
export async function createAndShow(options: Options, ctx: Context): Promise<View> {
  const created = await createOptions(options, ctx);
  const client = await ctx.client();
  const progress = await ctx.progress("creating a session");
  const session = await client.create({ ...created, waitReady: false }).finally(() => progress.stop());
  if (options.wait) await untilReady(session, options, ctx);
  await ctx.saveSession(session.id);
  return sessionView(session.info);
}

/** What was made and did not come to be ready is current all the same, unless it is over. */
async function untilReady(session: Session, { waitTimeout }: Options, ctx: Context): Promise<void> {
  try {
    await waitReady(session, ctx, waitTimeout ?? defaultWaitMs);
  } catch (error) {
    const { SessionTerminatedError } = await import("../../client/index.js");
    if (!(error instanceof SessionTerminatedError)) await ctx.saveSession(session.id);
    throw error;
  }
}
