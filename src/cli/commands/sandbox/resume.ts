import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { flag, toggleFrom } from "../../flags/flag.js";
import { positiveDuration } from "../../flags/parsers/times.js";
import type { View } from "../../output/view.js";
import { sessionView } from "../../output/views/session.js";
import { defaultWaitMs } from "../../session-options.js";
import { waitResumed } from "../../wait-ready.js";

export const define = command({
  description:
    "Lets a paused session go on where it stood, and waits until commands would run in it. Where that does not work\n" +
    "it stays paused, and `last_resume_error` says why. Resuming a session that is not paused is an error.",
  needsSession: true,
  flags: {
    wait: toggleFrom(true, "return at once"),
    waitTimeout: flag("DURATION", "how long to wait (default: 3m)", positiveDuration),
  },
  examples: [["tenki sandbox resume demo", "under the same id, with everything in it"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const session = await ctx.session(options.session);
  const info = await session.resume();
  if (!options.wait || info.state === "RUNNING") return sessionView(info);
  return sessionView(await waitResumed(session, ctx, options.waitTimeout ?? defaultWaitMs));
}
