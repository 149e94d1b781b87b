import { TenkiError } from "../../../domain/error.js";
import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { flag } from "../../flags/flag.js";
import { filled } from "../../flags/parsers/words.js";
import { resolveDataDir } from "../../local-engine/data-dir.js";
import { askEngine } from "../../local-engine/engine-client.js";
import { findEngine } from "../../local-engine/find-engine.js";
import { objectView, type View } from "../../output/view.js";

export const define = command({
  description:
    "Makes a new authority for SSH certificates, which signs from now on; the old private key is gone. What it has\n" +
    "signed stays good until it is over, an hour at the most, and open connections stay.",
  flags: { dataDir: flag("DIR", "the engine's data directory", filled) },
  examples: [["tenki engine rotate-ca", "after somebody may have read the data directory"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const dataDir = resolveDataDir(options.dataDir, ctx.io);
  const engine = await findEngine(dataDir);
  if (engine === undefined) {
    throw new TenkiError("failed_precondition", `no engine runs on ${dataDir}`, {
      hint: "tenki engine start",
    });
  }
  const { caPub, formerTrustedUntil } = await askEngine(ctx, engine, (client) => client.rotateSshAuthority());
  return objectView({ ca_pub: caPub, former_trusted_until: formerTrustedUntil ?? null });
}
