import { TenkiError } from "../../../../domain/error.js";
import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { flag } from "../../../flags/flag.js";
import { integer, orNone } from "../../../flags/parsers/words.js";
import { positiveDuration } from "../../../flags/parsers/times.js";
import { positiveSize } from "../../../flags/parsers/sizes.js";
import type { View } from "../../../output/view.js";
import { workspaceSettingsView } from "../../../output/views/workspace-settings.js";

const limit = (things: string) => flag("N", `at most so many ${things}`, orNone(atLeastOne));
const atLeastOne = integer({ min: 1, max: 2 ** 31 - 1 });

export const define = command({
  description:
    "Only what is named changes; none takes a limit away. What is there already stays, however much it is.",
  flags: {
    maxConcurrentSessions: limit("sessions that run; paused ones do not count"),
    maxStickySessions: limit("sticky sessions"),
    maxSnapshots: limit("snapshots"),
    maxTemplates: limit("templates"),
    maxVolumes: limit("volumes"),
    maxPreviewUrlsPerProject: limit("preview URLs in a project"),
    maxPreviewUrlsPerWorkspace: limit("preview URLs in the workspace"),
    maxTotalBytes: flag("SIZE", "what all disks, volumes and snapshots may take", orNone(positiveSize)),
    pauseRetention: flag(
      "DURATION",
      "how long a paused session is kept that does not say so itself",
      orNone(positiveDuration),
    ),
    snapshotRetention: flag(
      "DURATION",
      "how long a snapshot is kept that does not say so itself",
      orNone(positiveDuration),
    ),
  },
  examples: [
    [
      "tenki sandbox settings set --max-concurrent-sessions 20 --max-total-bytes 500GiB",
      "leave some of the machine",
    ],
    ["tenki sandbox settings set --pause-retention 24h --max-sticky-sessions none", "a day, and no limit"],
  ],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const { pauseRetention, snapshotRetention, ...limits } = options;
  const named = { ...limits, pauseRetentionMs: pauseRetention, snapshotRetentionMs: snapshotRetention };
  const change = Object.entries(named).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value === "none" ? null : value]],
  );
  if (change.length === 0) throw new TenkiError("usage", "nothing to change");
  const client = await ctx.client();
  return workspaceSettingsView(await client.updateSettings(Object.fromEntries(change)));
}
