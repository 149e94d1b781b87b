import { setTimeout as sleep } from "node:timers/promises";
import { type SessionInfo, sessionStates } from "../../../domain/session.js";
import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { commaList, toggle } from "../../flags/flag.js";
import { oneOf } from "../../flags/parsers/words.js";
import { tag } from "../../flags/parsers/sessions.js";
import { liveView, type View } from "../../output/view.js";
import { sessionsView } from "../../output/views/session.js";

export const define = command({
  description: "Newest first. Those that have ended are left out, unless --all or their state asks for them.",
  flags: {
    all: toggle("with the terminated ones"),
    state: commaList("A,B", "only these states", oneOf("state", sessionStates)),
    tags: commaList("A,B", "only those that carry all of these tags", tag),
    watch: toggle("go on, and show the list again when it has changed", { short: "w" }),
    sticky: toggle("only sticky ones; --sticky=false for the others"),
  },
  examples: [
    ["tenki sandbox list --state RUNNING,PAUSED", "by state"],
    ["tenki sandbox list --json | jq -r '.[].id'", "for a script"],
  ],
});

type Options = OptionsOf<typeof define>;

export async function run(options: Options, ctx: Context): Promise<View> {
  return options.watch === true ? liveView(changes(options, ctx)) : sessionsView(await list(options, ctx));
}

async function list({ all, state, tags, sticky }: Options, ctx: Context): Promise<readonly SessionInfo[]> {
  const client = await ctx.client();
  const sessions = await client.list({
    includeTerminated: all === true || state.some((each) => each === "TERMINATING" || each === "TERMINATED"),
    states: state.length === 0 ? undefined : state,
    tags,
    sticky,
  });
  return sessions.map(({ info }) => info);
}

const pauseMs = 1_000;

/** The list as it is, and each time it is another, until Ctrl-C. */
async function* changes(options: Options, ctx: Context): AsyncGenerator<View, void, undefined> {
  let shown = "";
  while (!ctx.signal.aborted) {
    const infos = await list(options, ctx);
    const current = JSON.stringify(infos);
    if (current !== shown) yield sessionsView(infos);
    shown = current;
    await sleep(pauseMs, undefined, { signal: ctx.signal }).catch(() => undefined);
  }
}
