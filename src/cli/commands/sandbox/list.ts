import { sessionStates } from "../../../domain/session.js";
import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { commaList, toggle } from "../../flags/flag.js";
import { oneOf, tag } from "../../flags/parsers.js";
import type { View } from "../../output/view.js";
import { sessionsView } from "../../output/views/session.js";

export const define = command({
  description: "Newest first. Those that have ended are left out, unless --all or their state asks for them.",
  flags: {
    all: toggle("with the terminated ones"),
    state: commaList("A,B", "only these states", oneOf("state", sessionStates)),
    tags: commaList("A,B", "only those that carry all of these tags", tag),
    sticky: toggle("only sticky ones; --sticky=false for the others"),
  },
  examples: [
    ["tenki sandbox list --state RUNNING,PAUSED", "by state"],
    ["tenki sandbox list --json | jq -r '.[].id'", "for a script"],
  ],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const { all, state, tags, sticky } = options;
  const client = await ctx.client();
  const sessions = await client.list({
    includeTerminated: all === true || state.some((each) => each === "TERMINATING" || each === "TERMINATED"),
    states: state.length === 0 ? undefined : state,
    tags,
    sticky,
  });
  return sessionsView(sessions.map(({ info }) => info));
}
