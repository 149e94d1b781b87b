import type { ConfigFile } from "../config/config-file.js";
import { saveLogin } from "../config/save-login.js";
import type { LocalEngine } from "./find-engine.js";

/** Makes an engine what the command line talks to. False where another login is there, which is left alone. */
export async function useAsContext(engine: LocalEngine, config: ConfigFile): Promise<boolean> {
  const saved = await config.values();
  const token = saved.get("auth_token");
  const endpoint = saved.get("api_endpoint");
  const isOurs = endpoint === "local" || endpoint === engine.endpoint || token === engine.token;
  if (token !== undefined && token !== "" && !isOurs) return false;
  await saveLogin(config, { endpoint: engine.endpoint, token: engine.token });
  return true;
}
