import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { flag, toggleFrom } from "../../flags/flag.js";
import { positiveDuration } from "../../flags/parsers/times.js";
import type { View } from "../../output/view.js";
import { sessionView } from "../../output/views/session.js";
import { defaultWaitMs } from "../../session-options.js";
import { waitPaused } from "../../wait-ready.js";

export const define = command({
  description:
    "Stops everything in it where it stands: processes, memory, open files and connections stay, and no processor is\n" +
    "used. It goes on under the same id with `tenki sandbox resume`. Pausing a session that does not run is an error.",
  needsSession: true,
  flags: {
    wait: toggleFrom(true, "return at once"),
    waitTimeout: flag("DURATION", "how long to wait (default: 3m)", positiveDuration),
  },
  examples: [["tenki sandbox pause demo", "until it is resumed, or its pause_retention is over"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const session = await ctx.session(options.session);
  const info = await session.pause();
  if (!options.wait || info.state === "PAUSED") return sessionView(info);
  return sessionView(await waitPaused(session, ctx, options.waitTimeout ?? defaultWaitMs));
}
