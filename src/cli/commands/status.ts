import type { Identity } from "../../domain/identity.js";
import { command } from "../command.js";
import type { Context } from "../context.js";
import { resolveDataDir } from "../local-engine/data-dir.js";
import { findEngine, type LocalEngine } from "../local-engine/find-engine.js";
import { pauseKeeps } from "../local-engine/pause-keeps.js";
import { asTenkiError } from "../output/error.js";
import { objectView, type View } from "../output/view.js";
import { identityName } from "../output/views/identity.js";
import { firstFilled, resolveEndpoint, type Settings } from "../settings.js";

export const define = command({
  description:
    "Asks the service whether the token is good, and starts nothing: where the endpoint is local, it says whether\n" +
    "the engine runs. `status` begins with `Logged in` when it is so. The exit code is 0 in either case.",
  examples: [["tenki status --json", "for a program"]],
});

export async function run(_options: object, ctx: Context): Promise<View> {
  const saved = await ctx.config.values();
  const endpoint = resolveEndpoint(ctx.io, saved.get("api_endpoint"), ctx.common.endpoint);
  const engine = await findEngine(resolveDataDir(undefined, ctx.io)).catch(() => undefined);
  const isLocal = endpoint === "local" || endpoint === engine?.endpoint;
  const login =
    endpoint === "local" ? await localLogin(ctx, engine) : await checkLogin(ctx, await ctx.settings());
  return objectView({
    status: login.status,
    api_endpoint: endpoint === "local" ? (engine?.endpoint ?? "local") : endpoint,
    workspace_id:
      firstFilled(ctx.common.workspace, saved.get("workspace_id"), onlyWorkspace(login.identity)) ?? null,
    project_id: firstFilled(ctx.common.project, saved.get("project_id")) ?? null,
    session_id: firstFilled(ctx.io.env["TENKI_SESSION"], saved.get("current_session_id")) ?? null,
    engine_state: isLocal ? (engine === undefined ? "STOPPED" : "RUNNING") : undefined,
    pause_keeps: isLocal && engine !== undefined ? pauseKeeps(engine.isolation) : undefined,
  });
}

interface Login {
  readonly status: string;
  readonly identity?: Identity;
}

/** Without starting it: looking changes nothing. */
async function localLogin(ctx: Context, engine: LocalEngine | undefined): Promise<Login> {
  if (engine !== undefined) return checkLogin(ctx, await ctx.settings());
  return { status: "Logged in to the engine on this machine, which starts when it is needed" };
}

async function checkLogin(ctx: Context, settings: Settings): Promise<Login> {
  if (settings.token === undefined) return { status: "Not logged in" };
  const client = await ctx.connect(settings);
  try {
    const identity = await client.whoAmI();
    return { status: `Logged in as ${identityName(identity)}`, identity };
  } catch (error) {
    const { kind, message } = asTenkiError(error);
    if (kind === "unauthenticated") return { status: "Not logged in: the service does not accept the token" };
    return { status: `Unknown: ${message}` };
  } finally {
    client.close();
  }
}

const onlyWorkspace = (identity: Identity | undefined): string | undefined =>
  identity?.workspaces.length === 1 ? identity.workspaces[0]?.id : undefined;
