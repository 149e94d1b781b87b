import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { flag, toggle } from "../../flags/flag.js";
import { positiveDuration } from "../../flags/parsers/times.js";
import { sessionName } from "../../flags/parsers/sessions.js";
import type { View } from "../../output/view.js";
import { sessionView } from "../../output/views/session.js";
import { defaultWaitMs } from "../../session-options.js";

export const define = command({
  description:
    "A new session that begins as this one is now, on disk, and is made current: with its resources, image, variables,\n" +
    "tags, metadata and network. This one goes on. Processes, volumes, SSH keys and secrets are not in the new one.",
  needsSession: true,
  flags: {
    name: flag("NAME", "what to call the new one", sessionName),
    keepSnapshot: toggle("keep the snapshot that it is made of"),
    waitTimeout: flag("DURATION", "how long to wait (default: 3m)", positiveDuration),
  },
  examples: [
    ["tenki sandbox fork demo --name attempt-2", "try something else from here"],
    ["id=$(tenki sandbox fork --json | jq -r .id)", "of the current session, in a script"],
  ],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const { name, keepSnapshot, waitTimeout: timeoutMs = defaultWaitMs } = options;
  const session = await ctx.session(options.session);
  const progress = await ctx.progress(`forking session ${session.id}`);
  const forked = await session
    .fork({ name, keepSnapshot, timeoutMs, signal: ctx.signal })
    .finally(() => progress.stop());
  await ctx.saveSession(forked.id);
  return sessionView(forked.info);
}
