import { TenkiError } from "../../../../domain/error.js";
import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { commaList, flag, toggle } from "../../../flags/flag.js";
import { session, tag } from "../../../flags/parsers/sessions.js";
import { findSession } from "../../../find-session.js";
import type { View } from "../../../output/view.js";
import { snapshotsView } from "../../../output/views/snapshot.js";

export const define = command({
  description: "Newest first. The disk of a paused session is one, of type PAUSE.",
  flags: {
    session: flag("ID|NAME", "only those of this session", session),
    dangling: toggle("only those whose session is over"),
    tags: commaList("A,B", "only those that carry all of these tags", tag),
  },
  examples: [
    ["tenki sandbox snapshot list --session demo", "of one session"],
    [
      "tenki sandbox snapshot list --dangling --json | jq -r '.[].id'",
      "what no session is left of, for a script",
    ],
  ],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const { session, dangling, tags } = options;
  if (session !== undefined && dangling === true) {
    throw new TenkiError("usage", "--session and --dangling contradict each other");
  }
  const client = await ctx.client();
  const snapshots =
    session !== undefined
      ? await client.listSessionSnapshots((await findSession(client, session)).id)
      : dangling === true
        ? await client.listDanglingSnapshots()
        : await client.listSnapshots();
  return snapshotsView(snapshots.filter((snapshot) => tags.every((each) => snapshot.tags.includes(each))));
}
