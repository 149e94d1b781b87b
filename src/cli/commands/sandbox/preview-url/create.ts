import { TenkiError } from "../../../../domain/error.js";
import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { flag, required } from "../../../flags/flag.js";
import { port, slug } from "../../../flags/parsers/addresses.js";
import { session } from "../../../flags/parsers/sessions.js";
import type { View } from "../../../output/view.js";
import { previewUrlView } from "../../../output/views/preview-url.js";

export const define = command({
  description:
    "An address that stays when sessions go: it can be bound to a port of one session now, and of another one later.",
  arguments: { name: required("SLUG", "what it is called", slug) },
  flags: {
    session: flag("SESSION", "bind it to this session; with --port", session, { short: "s" }),
    port: flag("PORT", "the session's port", port),
  },
  examples: [
    ["tenki sandbox preview-url create demo", "bound to nothing yet"],
    ["tenki sandbox preview-url create demo --session web --port 3000", "bound at once"],
  ],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const { name, session: named, port: at } = options;
  if ((named === undefined) !== (at === undefined))
    throw new TenkiError("usage", "--session and --port go together");
  const client = await ctx.client();
  const sessionId = named === undefined ? undefined : (await ctx.session(named)).id;
  return previewUrlView(await client.previewUrls.create(name, { sessionId, port: at }));
}
