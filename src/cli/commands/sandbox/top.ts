import { setTimeout as sleep } from "node:timers/promises";
import type { SessionStats } from "../../../domain/session-stats.js";
import { formatGoDuration } from "../../../lib/go-duration.js";
import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { findSession } from "../../find-session.js";
import { flag, toggle, variadic } from "../../flags/flag.js";
import { interval } from "../../flags/parsers/times.js";
import { session } from "../../flags/parsers/sessions.js";
import { isScreen } from "../../output/render.js";
import { liveView, type View } from "../../output/view.js";
import { sessionStatsView } from "../../output/views/session-stats.js";

export const define = command({
  description:
    "Without SESSION all that are not over. On a terminal the table is kept up to date, until q or Ctrl-C;\n" +
    "elsewhere, and with --json, it is printed once, unless --watch or --interval asks for more. CPU is in cores,\n" +
    "over the time since the row before; the network is counted from the sandbox's start. Looking is no activity.",
  arguments: { sessions: variadic("SESSION", "only these sessions, by id or name", session) },
  flags: {
    watch: toggle("go on; --watch=false for one table on a terminal, too", { short: "w" }),
    interval: flag("DURATION", "how often to look (default: 2s)", interval),
  },
  examples: [
    ["tenki sandbox top", "who is busy"],
    ["tenki sandbox top --json | jq 'max_by(.memory_bytes).name'", "who has most memory, for a script"],
    ["tenki sandbox top demo --interval 10s --json >> usage.jsonl", "a line every ten seconds"],
  ],
});

const defaultIntervalMs = 2_000;
/** What is used is told over a time: this much, before the first table. */
const firstLookMs = 500;

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const client = await ctx.client();
  const found = await Promise.all(options.sessions.map((named) => findSession(client, named)));
  const ids = found.map(({ id }) => id);
  const quit = new AbortController();
  const signal = AbortSignal.any([ctx.signal, quit.signal]);
  const look = () => client.getStats(ids, { signal });
  const intervalMs = options.interval ?? defaultIntervalMs;
  const onScreen = ctx.common.output === "text" && isScreen(ctx.io);
  if (!(options.watch ?? (options.interval !== undefined || onScreen))) return once(look, signal);
  const title = `tenki sandbox top: every ${formatGoDuration(intervalMs)}, q ends`;
  return liveView(goOn(look, intervalMs, signal), { title, quit: () => quit.abort() });
}

type Look = () => Promise<SessionStats[]>;

async function once(look: Look, signal: AbortSignal): Promise<View> {
  const before = await look();
  if (before.every(({ cpuUsageUs }) => cpuUsageUs === undefined)) return sessionStatsView(before, []);
  await sleep(firstLookMs, undefined, { signal });
  return sessionStatsView(await look(), before);
}

/** A table at each interval, the first one soon. */
async function* goOn(
  look: Look,
  intervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<View, void, undefined> {
  let pauseMs = Math.min(firstLookMs, intervalMs);
  for (let before = await look(); !signal.aborted; pauseMs = intervalMs) {
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const now = await look();
    yield sessionStatsView(now, before);
    before = now;
  }
}
