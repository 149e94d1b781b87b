import type { WorkspaceSettings, WorkspaceSettingsChange } from "../domain/workspace-settings.js";
import { settingsChangeToWire, settingsFromWire } from "./convert/workspace-settings.js";
import { SandboxError } from "./errors.js";
import type { Rpc } from "./rpc.js";

/** What holds for all sessions of a workspace: its limits, and how long things are kept. */
export async function getSettings(rpc: Rpc, workspaceId?: string): Promise<WorkspaceSettings> {
  const request = { workspaceId: await oneWorkspace(rpc, workspaceId) };
  return settingsFromWire((await rpc.sandbox("getWorkspaceSandboxSettings", request)).settings);
}

export async function updateSettings(
  rpc: Rpc,
  change: WorkspaceSettingsChange,
  workspaceId?: string,
): Promise<WorkspaceSettings> {
  const request = {
    ...settingsChangeToWire(change),
    workspaceId: await oneWorkspace(rpc, workspaceId),
  };
  return settingsFromWire((await rpc.sandbox("updateWorkspaceSandboxSettings", request)).settings);
}

/** These calls have to name their workspace; where the token has a single one, it is meant. */
async function oneWorkspace(rpc: Rpc, asked: string | undefined): Promise<string> {
  const named = asked ?? rpc.settings.workspaceId;
  if (named !== undefined) return named;
  const { workspaces } = await rpc.sandbox("whoAmI", {});
  const [only, ...others] = workspaces;
  if (only !== undefined && others.length === 0) return only.workspaceId;
  const found = workspaces.map(({ workspaceId, name }) => `${workspaceId} (${name})`).join(", ");
  throw new SandboxError(
    "invalid_argument",
    workspaces.length === 0
      ? "the token has no workspace"
      : `no workspace is named, and there are several: ${found}`,
  );
}
