import type { Session } from "../../../client/index.js";
import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { createFlags, waitTimeoutFlag } from "../../create/create-flags.js";
import { createOptions } from "../../create/create-options.js";
import { toggleFrom } from "../../flags/flag.js";
import type { View } from "../../output/view.js";
import { sessionView } from "../../output/views/session.js";
import { defaultWaitMs } from "../../session-options.js";
import { waitReady } from "../../wait-ready.js";

export const define = command({
  description:
    "Waits until commands would run in it, prints it, and makes it the current session. Ctrl-C ends the wait only.\n" +
    "What is left out is the service's default.",
  flags: {
    ...createFlags,
    wait: toggleFrom(true, "return at once"),
    ...waitTimeoutFlag,
  },
  examples: [
    ["tenki sandbox create --name demo", "with the defaults"],
    [
      "tenki sandbox create --cpu 4 --memory-mb 8192 --env APP_ENV=dev --tags ci,nightly",
      "larger, with a variable",
    ],
    ["id=$(tenki sandbox create --json | jq -r .id)", "in a script"],
  ],
});

type Options = OptionsOf<typeof define>;

export async function run(options: Options, ctx: Context): Promise<View> {
  const created = await createOptions(options, ctx);
  const client = await ctx.client();
  const progress = await ctx.progress("creating a session");
  const session = await client.create({ ...created, waitReady: false }).finally(() => progress.stop());
  if (options.wait) await untilReady(session, options, ctx);
  await makeCurrent(session, ctx);
  return sessionView(session.info);
}

/** What was made and did not come to be ready is current all the same, unless it is over. */
async function untilReady(session: Session, { waitTimeout }: Options, ctx: Context): Promise<void> {
  try {
    await waitReady(session, ctx, waitTimeout ?? defaultWaitMs);
  } catch (error) {
    const { SessionTerminatedError } = await import("../../../client/index.js");
    if (!(error instanceof SessionTerminatedError)) await makeCurrent(session, ctx);
    throw error;
  }
}

const makeCurrent = (session: Session, ctx: Context): Promise<void> =>
  ctx.config.update({ current_session_id: session.id }).catch((error: unknown) => {
    return ctx.warn(`warning: the current session was not saved: ${(error as Error).message}`);
  });
