import { TenkiError } from "../../../../domain/error.js";
import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { findPreviewUrl, previewUrlArgument } from "../../../find-preview-url.js";
import { flag } from "../../../flags/flag.js";
import { port } from "../../../flags/parsers/addresses.js";
import { session } from "../../../flags/parsers/sessions.js";
import type { View } from "../../../output/view.js";
import { previewUrlView } from "../../../output/views/preview-url.js";

export const define = command({
  description: "Away from what it was bound to before; connections to that are cut.",
  arguments: { previewUrl: previewUrlArgument },
  flags: {
    session: flag("SESSION", "a session by id or name (default: the current one)", session, { short: "s" }),
    port: flag("PORT", "the session's port", port),
  },
  examples: [["tenki sandbox preview-url bind demo --session web-2 --port 3000", "to the new version"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  if (options.port === undefined) throw new TenkiError("usage", "--port is missing");
  const client = await ctx.client();
  const { id: sessionId } = await ctx.session(options.session);
  const { id } = await findPreviewUrl(client, options.previewUrl);
  return previewUrlView(await client.previewUrls.bind(id, sessionId, options.port));
}
