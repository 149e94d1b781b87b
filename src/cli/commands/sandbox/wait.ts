import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { flag } from "../../flags/flag.js";
import { positiveDuration } from "../../flags/parsers/times.js";
import type { View } from "../../output/view.js";
import { sessionView } from "../../output/views/session.js";
import { defaultWaitMs } from "../../session-options.js";
import { waitReady } from "../../wait-ready.js";

export const define = command({
  description:
    "Ends with 0 once a command would run in it, with 5 when the time is up, with 1 when it has ended instead.",
  needsSession: true,
  flags: {
    timeout: flag("DURATION", "how long to wait (default: 3m)", positiveDuration, { alias: "wait-timeout" }),
  },
  examples: [["tenki sandbox wait demo --timeout 1m", "at most a minute"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const session = await ctx.session(options.session);
  return sessionView(await waitReady(session, ctx, options.timeout ?? defaultWaitMs));
}
