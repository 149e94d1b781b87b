import { TenkiError } from "../../domain/error.js";
import { command, type OptionsOf } from "../command.js";
import { saveLogin } from "../config/save-login.js";
import type { Context } from "../context.js";
import { optionalValue, toggle } from "../flags/flag.js";
import { token } from "../flags/parsers/words.js";
import { doneView, type View } from "../output/view.js";
import { identityName } from "../output/views/identity.js";
import { ask } from "../prompt.js";
import { readStdinText } from "../read-stdin.js";
import type { Settings } from "../settings.js";

export const define = command({
  description:
    "The token is checked with the service and saved in the config file together with the endpoint.\n" +
    "Without a flag it is asked for, and not shown. With --endpoint local it is the engine's own.",
  flags: {
    apiKey: optionalValue("KEY", "an API key; asked for where it is left out", token),
    tokenStdin: toggle("read the token from stdin"),
  },
  examples: [
    ["tenki login", "ask for the token"],
    ["tenki login --token-stdin < token.txt", "in a script: no other process sees the token"],
    ["tenki login --endpoint local", "the engine on this machine"],
  ],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const settings = await ctx.settings();
  const key = await tokenFor(options, settings, ctx);
  const client = await ctx.connect({ ...settings, token: key });
  try {
    const identity = await client.whoAmI().catch((error: unknown) => {
      throw explainRefusal(error, settings);
    });
    const endpoint = settings.isLocal ? "local" : settings.endpoint;
    const { workspace: workspaceId, project: projectId } = ctx.common;
    await saveLogin(ctx.config, { endpoint, token: key, workspaceId, projectId });
    await warnOfEnvironment(ctx);
    const { ownerType: owner_type, ownerId: owner_id } = identity;
    return doneView(`logged in to ${settings.endpoint} as ${identityName(identity)}`, {
      api_endpoint: settings.endpoint,
      owner_type,
      owner_id,
    });
  } finally {
    client.close();
  }
}

async function tokenFor(
  options: OptionsOf<typeof define>,
  settings: Settings,
  ctx: Context,
): Promise<string> {
  if (typeof options.apiKey === "string") {
    if (options.tokenStdin === true)
      throw new TenkiError("usage", "--api-key KEY and --token-stdin name two tokens");
    await ctx.warn(
      "warning: other processes can see a key on the command line; --token-stdin keeps it out of sight",
    );
    return options.apiKey;
  }
  if (settings.isLocal && options.apiKey === undefined && options.tokenStdin !== true)
    return settings.token ?? "";
  const word = await readToken(options, ctx);
  if (word === "") throw new TenkiError("usage", "no token: nothing was given");
  const read = token.read(word);
  if (read === undefined) throw new TenkiError("usage", `invalid token: expected ${token.expected}`);
  return read;
}

function readToken(options: OptionsOf<typeof define>, ctx: Context): Promise<string> {
  if (options.tokenStdin === true) return readStdinText(ctx.io.stdin);
  if (ctx.interactive) return ask(ctx.io, "API key: ", { hidden: true });
  throw new TenkiError("usage", "no token, and nobody to ask: stdin is no terminal", {
    hint: "tenki login --token-stdin < FILE",
  });
}

/** "Log in" is no advice to who is just doing so. */
function explainRefusal(error: unknown, { endpoint, isLocal }: Settings): unknown {
  if (!(error instanceof TenkiError) || error.kind !== "unauthenticated") return error;
  const hint = isLocal
    ? "leave the token out: the engine of this machine has its own"
    : `check that the token is whole, and that it is one of ${endpoint}`;
  return new TenkiError(error.kind, error.message, { hint, cause: error });
}

async function warnOfEnvironment(ctx: Context): Promise<void> {
  const name = ["TENKI_AUTH_TOKEN", "TENKI_API_KEY"].find((each) => (ctx.io.env[each] ?? "") !== "");
  if (name !== undefined) await ctx.warn(`warning: ${name} is set, and counts before what was saved`);
}
