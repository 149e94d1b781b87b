import { command } from "../command.js";
import { configDirectory } from "../config/config-file.js";
import { forgetCredentials } from "../config/credential-files.js";
import type { Context } from "../context.js";
import { forgetPasses } from "../ssh/ssh-pass.js";
import { sshPaths } from "../ssh/ssh-paths.js";
import { doneView, type View } from "../output/view.js";

export const define = command({
  description:
    "Forgets the token, the workspace and the current session. The endpoint is kept; sessions live on.",
});

export async function run(_options: object, ctx: Context): Promise<View> {
  const wasLoggedIn = (await ctx.config.get("auth_token")) !== undefined;
  await ctx.config.update({
    auth_token: undefined,
    workspace_id: undefined,
    project_id: undefined,
    current_session_id: undefined,
  });
  forgetCredentials(configDirectory(ctx.io));
  await forgetPasses(sshPaths(ctx.io));
  const name = ["TENKI_AUTH_TOKEN", "TENKI_API_KEY"].find((each) => (ctx.io.env[each] ?? "") !== "");
  if (name !== undefined) await ctx.warn(`warning: ${name} is set, and is still a login`);
  return doneView(wasLoggedIn ? "logged out" : "nobody was logged in", { logged_out: wasLoggedIn });
}
