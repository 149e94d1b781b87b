import { TenkiError } from "../../../domain/error.js";
import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { flag, toggle } from "../../flags/flag.js";
import { positiveDuration } from "../../flags/parsers/times.js";
import { slug } from "../../flags/parsers/addresses.js";
import { openBrowser } from "../../open-browser.js";
import type { View } from "../../output/view.js";
import { exposedPortView } from "../../output/views/preview-url.js";
import { portArgument, portFlag, portOf } from "../../port-argument.js";

export const define = command({
  description:
    "Prints a URL that opens as it is, for everybody who can reach it; the service may listen on 127.0.0.1 of the\n" +
    "session only. The session must have been created with --allow-inbound.",
  needsSession: true,
  arguments: { number: portArgument },
  flags: {
    port: portFlag,
    ttl: flag("DURATION", "for how long (default: as long as the session lives)", positiveDuration),
    slug: flag("SLUG", "what it is called below the engine's --preview-domain (default: a random one)", slug),
    tcp: toggle("bytes, whatever they say, rather than HTTP"),
    open: toggle("open it in the browser"),
  },
  examples: [
    ["tenki sandbox expose 3000", "a web app, for its browser's reload too"],
    ["tenki sandbox expose 5432 --tcp --ttl 1h", "a database, for an hour"],
    ['curl "$(tenki sandbox expose 8000 --json | jq -r .preview_url)"', "for a script"],
  ],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const port = portOf(options);
  const { ttl, slug: wanted, tcp } = options;
  if (tcp === true && wanted !== undefined)
    throw new TenkiError("usage", "--slug names an HTTP port: it does not go with --tcp");
  if (tcp === true && options.open === true)
    throw new TenkiError("usage", "--open shows what a browser understands: it does not go with --tcp");
  const session = await ctx.session(options.session);
  const exposed = await session.exposePort(port, { ttlMs: ttl, slug: wanted, tcp });
  if (options.open === true) await openBrowser(exposed.previewUrl, ctx);
  return exposedPortView(exposed);
}
