import { TenkiError } from "../../../domain/error.js";
import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { flag } from "../../flags/flag.js";
import { filled } from "../../flags/parsers/words.js";
import { resolveDataDir } from "../../local-engine/data-dir.js";
import { startedView } from "../../local-engine/engine-view.js";
import { launchEngine } from "../../local-engine/ensure-local-engine.js";
import { findEngine } from "../../local-engine/find-engine.js";
import { startedFlags } from "../../local-engine/started-flags.js";
import { stopEngine } from "../../local-engine/stop-engine.js";
import type { View } from "../../output/view.js";

export const define = command({
  description:
    "Stops the engine and starts it again with the flags and on the address that it had. Sessions go on.",
  flags: { dataDir: flag("DIR", "the engine's data directory", filled) },
  examples: [["tenki engine restart", "after an update of tenki"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const dataDir = resolveDataDir(options.dataDir, ctx.io);
  const running = await findEngine(dataDir);
  if (running === undefined) {
    throw new TenkiError("failed_precondition", `no engine runs on ${dataDir}`, {
      hint: "tenki engine start",
    });
  }
  const flags = await startedFlags(running);
  await stopEngine(running);
  return startedView(await launchEngine(ctx.io, dataDir, flags));
}
