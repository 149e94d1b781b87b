import { TenkiError } from "../domain/error.js";
import type { ConfigFile } from "./config/config-file.js";
import type { CommonOptions } from "./context.js";
import { endpoint as endpointParser } from "./flags/parsers/addresses.js";
import { token } from "./flags/parsers/words.js";
import type { Io } from "./io.js";

export const defaultEndpoint = "https://api.tenki.cloud";

/** Where to go and as whom, resolved: flag, environment, config file, default. */
export interface Settings {
  readonly endpoint: string;
  /** The endpoint was given as the word `local`: the token is that engine's own. */
  readonly isLocal: boolean;
  /** Undefined: not logged in. */
  readonly token: string | undefined;
  /** It is the config file's, and so may leave more on this disk. */
  readonly tokenIsSaved: boolean;
  readonly gateway: string | undefined;
  readonly workspaceId: string | undefined;
  readonly projectId: string | undefined;
}

/** `local` starts the engine of this machine where it does not run. */
export async function resolveSettings(
  io: Io,
  config: ConfigFile,
  flags: Pick<CommonOptions, "endpoint" | "workspace" | "project"> & {
    readonly gateway?: string | undefined;
  },
): Promise<Settings> {
  const { env } = io;
  const saved = await config.values();
  const endpoint = resolveEndpoint(io, saved.get("api_endpoint"), flags.endpoint);
  const known = resolveToken(env, saved.get("auth_token"));
  const settings = {
    endpoint,
    isLocal: endpoint === "local",
    token: known,
    tokenIsSaved: known !== undefined && known === firstFilled(saved.get("auth_token")),
    gateway: firstFilled(flags.gateway, env["TENKI_SANDBOX_GATEWAY_URL"], saved.get("gateway")),
    workspaceId: firstFilled(flags.workspace, saved.get("workspace_id")),
    projectId: firstFilled(flags.project, saved.get("project_id")),
  };
  if (!settings.isLocal) return settings;
  const { ensureLocalEngine } = await import("./local-engine/ensure-local-engine.js");
  const engine = await ensureLocalEngine(io);
  // It may have come up on another port than the one that it was saved with.
  if (saved.get("auth_token") === engine.token) {
    const { useAsContext } = await import("./local-engine/use-as-context.js");
    await useAsContext(engine, config);
  }
  const { endpoint: at, token: own } = engine;
  return {
    ...settings,
    endpoint: at,
    token: own,
    tokenIsSaved: own === firstFilled(saved.get("auth_token")),
  };
}

function resolveToken(env: Io["env"], saved: string | undefined): string | undefined {
  const places = [
    ["TENKI_AUTH_TOKEN", env["TENKI_AUTH_TOKEN"]],
    ["TENKI_API_KEY", env["TENKI_API_KEY"]],
    ["the config file (auth_token)", saved],
  ] as const;
  const [place, word] = places.find(([, value]) => firstFilled(value) !== undefined) ?? [];
  if (word === undefined || token.read(word) !== undefined) return word?.trim();
  throw new TenkiError("unauthenticated", `invalid token in ${place}: expected ${token.expected}`, {
    hint: "tenki login",
  });
}

/** As it was written: an address, or `local`. */
export function resolveEndpoint(
  io: Pick<Io, "env">,
  saved: string | undefined,
  flag: string | undefined,
): string {
  const places = [
    ["--endpoint", flag],
    ["TENKI_API_ENDPOINT", io.env["TENKI_API_ENDPOINT"]],
    ["TENKI_API_URL", io.env["TENKI_API_URL"]],
    ["the config file (api_endpoint)", saved],
  ] as const;
  const [place, word] = places.find(([, value]) => firstFilled(value) !== undefined) ?? ["", defaultEndpoint];
  const endpoint = endpointParser.read(word?.trim() ?? "");
  if (endpoint !== undefined) return endpoint;
  throw new TenkiError(
    "usage",
    `invalid endpoint "${word}" in ${place}: expected ${endpointParser.expected}`,
  );
}

export const firstFilled = (...candidates: readonly (string | undefined)[]): string | undefined =>
  candidates
    .map((candidate) => candidate?.trim())
    .find((candidate) => candidate !== undefined && candidate !== "");
