import type { Session } from "../../../client/index.js";
import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { flag } from "../../flags/flag.js";
import { filled } from "../../flags/parsers/words.js";
import { resolveDataDir } from "../../local-engine/data-dir.js";
import { askSessions } from "../../local-engine/engine-client.js";
import { findEngine } from "../../local-engine/find-engine.js";
import { pauseKeeps } from "../../local-engine/pause-keeps.js";
import { objectView, type View } from "../../output/view.js";

export const define = command({
  description: "Says whether the engine runs, and where. Starts nothing; the exit code is 0 in either case.",
  flags: { dataDir: flag("DIR", "the engine's data directory", filled) },
  examples: [["tenki engine status --json | jq -r .state", "RUNNING or STOPPED, for a program"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const dataDir = resolveDataDir(options.dataDir, ctx.io);
  const engine = await findEngine(dataDir);
  if (engine === undefined) return objectView({ state: "STOPPED", data_dir: dataDir });
  const sessions = await askSessions(ctx, engine);
  const { endpoint, pid, version, isolation } = engine;
  return objectView({
    state: "RUNNING",
    endpoint,
    pid,
    version,
    isolation,
    data_dir: dataDir,
    sessions: sessions?.length ?? null,
    sessions_by_state: sessions === undefined ? null : countStates(sessions),
    pause_keeps: pauseKeeps(isolation),
  });
}

/** Only the states that there are. */
function countStates(sessions: readonly Session[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state } of sessions) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}
