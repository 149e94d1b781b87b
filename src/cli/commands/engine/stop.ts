import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { flag, toggle } from "../../flags/flag.js";
import { filled } from "../../flags/parsers/words.js";
import { resolveDataDir } from "../../local-engine/data-dir.js";
import { askEngine, askSessions, liveSessions } from "../../local-engine/engine-client.js";
import { launchEngine } from "../../local-engine/ensure-local-engine.js";
import { findEngine, hasRecord, type LocalEngine } from "../../local-engine/find-engine.js";
import { stopEngine } from "../../local-engine/stop-engine.js";
import { doneView, type View } from "../../output/view.js";

export const define = command({
  description:
    "Ends the service and leaves the sessions running: the next start finds them again. With --terminate-sessions\n" +
    "they are ended first, also those that an engine which does not run any more has left.",
  flags: {
    dataDir: flag("DIR", "the engine's data directory", filled),
    terminateSessions: toggle("end all sessions first"),
  },
  examples: [["tenki engine stop --terminate-sessions", "leave nothing running"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const dataDir = resolveDataDir(options.dataDir, ctx.io);
  const terminate = options.terminateSessions === true;
  const running = await findEngine(dataDir);
  const engine =
    running ?? (terminate && (await hasRecord(dataDir)) ? await startQuietly(dataDir, ctx) : undefined);
  if (engine === undefined) {
    return doneView(`no engine runs on ${dataDir}`, { stopped: false, sessions_left_running: 0 });
  }
  const ended = terminate ? await terminateAll(ctx, engine) : 0;
  const left = (await askSessions(ctx, engine))?.length;
  await stopEngine(engine);
  return doneView(`the engine stopped; ${describeSessions(ended, left, terminate)}`, {
    stopped: true,
    sessions_left_running: left ?? null,
    sessions_terminated: ended,
  });
}

/** What an engine left can only be ended by an engine: one that nobody needs to find. */
const startQuietly = (dataDir: string, ctx: Context): Promise<LocalEngine> =>
  launchEngine(ctx.io, dataDir, ["--listen", "127.0.0.1:0"]);

/** So many at a time as one call takes. */
const batchSize = 100;

async function terminateAll(ctx: Context, engine: LocalEngine): Promise<number> {
  const ids = (await liveSessions(ctx, engine)).map(({ id }) => id);
  await askEngine(ctx, engine, async (client) => {
    for (let at = 0; at < ids.length; at += batchSize) {
      const { failures } = await client.terminateMany(ids.slice(at, at + batchSize));
      for (const { sessionId, message } of failures) await ctx.warn(`warning: ${sessionId}: ${message}`);
    }
  });
  return ids.length;
}

function describeSessions(ended: number, left: number | undefined, terminate: boolean): string {
  if (terminate && ended > 0) return `${count(ended)} terminated`;
  if (left === undefined) return "its sessions are left as they are";
  return left === 0 ? "it had no sessions" : `${count(left)} left running`;
}

const count = (sessions: number): string => `${sessions} session${sessions === 1 ? "" : "s"}`;
