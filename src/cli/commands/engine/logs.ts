import { join } from "node:path";
import { engineFiles } from "../../../domain/engine-state.js";
import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { flag, toggle } from "../../flags/flag.js";
import { filled, integer } from "../../flags/parsers/words.js";
import { resolveDataDir } from "../../local-engine/data-dir.js";
import { followLines, lastLines } from "../../local-engine/log-lines.js";
import { type Fields, liveView, textView, type View } from "../../output/view.js";

export const define = command({
  description: "Prints what the engine logged: one JSON document a line.",
  flags: {
    dataDir: flag("DIR", "the engine's data directory", filled),
    lines: flag("N", "how many of the last lines (default: 100)", integer({ min: 0, max: 1_000_000 })),
    follow: toggle("go on with what is logged from now", { short: "f" }),
  },
  examples: [["tenki engine logs -f | jq 'select(.level == \"error\")'", "watch for errors"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const path = join(resolveDataDir(options.dataDir, ctx.io), engineFiles.log);
  return liveView(views(path, options, ctx.signal));
}

async function* views(
  path: string,
  options: OptionsOf<typeof define>,
  signal: AbortSignal,
): AsyncGenerator<View> {
  const { lines, end } = await lastLines(path, options.lines ?? 100);
  for (const line of lines) yield lineView(line);
  if (options.follow !== true) return;
  for await (const line of followLines(path, end, signal)) yield lineView(line);
}

function lineView(line: string): View {
  try {
    return textView(line, JSON.parse(line) as Fields);
  } catch {
    return textView(line, { message: line });
  }
}
