import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { flag, repeated, toggle, toggleFrom } from "../../flags/flag.js";
import { address, domain, listenAddress } from "../../flags/parsers/addresses.js";
import { filled, oneOf } from "../../flags/parsers/words.js";
import { localFile } from "../../flags/parsers/paths.js";
import { resolveDataDir } from "../../local-engine/data-dir.js";
import { launchEngine } from "../../local-engine/ensure-local-engine.js";
import { startedView } from "../../local-engine/engine-view.js";
import { explainRefusal, refuseSecondEngine } from "../../local-engine/refuse-second-engine.js";
import { startFlags } from "../../local-engine/start-flags.js";
import { useAsContext } from "../../local-engine/use-as-context.js";
import type { View } from "../../output/view.js";

export const define = command({
  description:
    "Returns when the engine serves; it runs on in the background. Makes it what the command line talks to, unless\n" +
    "another login is there. Sessions of an earlier engine on the same data directory are found again.",
  flags: {
    listen: flag(
      "ADDRESS:PORT",
      "where to listen; port 0 picks one (default: 127.0.0.1:8365)",
      listenAddress,
    ),
    dataDir: flag("DIR", "where the engine keeps everything", filled),
    ociRuntime: flag(
      "NAME",
      "the OCI runtime, by name or path (default: crun or runc, whichever works)",
      filled,
    ),
    isolation: flag(
      "KIND",
      "container, namespaces (no limits) or process (no boundary) (default: container)",
      oneOf("isolation", ["container", "namespaces", "process"]),
    ),
    tokenFile: flag(
      "FILE",
      "a file with the token that clients have to bring (default: one is made)",
      localFile,
    ),
    tlsCert: flag("FILE", "serve over TLS: the certificate, in PEM", localFile),
    tlsKey: flag("FILE", "its key", localFile),
    previewDomain: flag("DOMAIN", "give exposed ports names below it; they lead to this engine", domain),
    insecureListen: toggle("let other machines connect without TLS"),
    dns: repeated("ADDRESS", "whom sandboxes ask about names (default: the host's resolver)", address),
    context: toggleFrom(true, "leave the config file alone"),
    foreground: toggle("stay, and end with the engine"),
  },
  examples: [
    ["tenki engine start", "on the default port"],
    [
      "tenki engine start --listen 127.0.0.1:0 --data-dir ./data --no-context --json",
      "one beside it, for a test",
    ],
  ],
});

type Options = OptionsOf<typeof define>;

export async function run(options: Options, ctx: Context): Promise<View | undefined> {
  const dataDir = resolveDataDir(options.dataDir, ctx.io);
  if (options.foreground === true) {
    const { runInForeground } = await import("../../local-engine/run-in-foreground.js");
    return runInForeground(options, dataDir, ctx);
  }
  await refuseSecondEngine(dataDir);
  const progress = await ctx.progress("starting the engine");
  const engine = await launchEngine(ctx.io, dataDir, startFlags(options))
    .catch((error: unknown) => explainRefusal(error, dataDir))
    .finally(() => progress.stop());
  if (options.context && !(await useAsContext(engine, ctx.config))) {
    await ctx.note(
      "another login is there and stays; use this engine with --endpoint local, or: tenki login --endpoint local",
    );
  }
  return startedView(engine);
}

export type StartOptions = Options;
