import type { ConfigFile } from "./config-file.js";

export interface Login {
  /** An address, or the word `local`. */
  readonly endpoint: string;
  readonly token: string;
  readonly workspaceId?: string | undefined;
  readonly projectId?: string | undefined;
}

/** Makes a service the command line's context; what belonged to another token is forgotten. */
export async function saveLogin(config: ConfigFile, login: Login): Promise<void> {
  const before = await config.values();
  // A local engine keeps its token and its sessions when it moves to another port.
  const session = before.get("auth_token") === login.token ? before.get("current_session_id") : undefined;
  await config.update({
    auth_token: login.token,
    api_endpoint: login.endpoint,
    workspace_id: login.workspaceId,
    project_id: login.projectId,
    current_session_id: session,
  });
}
