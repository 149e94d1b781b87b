import type { ServiceImpl } from "@connectrpc/connect";
import type { SandboxService } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { Access } from "../core/access/access.js";
import type { WorkspaceLimits } from "../core/workspace/workspace-limits.js";
import type { WorkspaceSettings } from "../core/workspace/workspace-settings.js";
import {
  fromRetentionUpdate,
  fromSettingsUpdate,
  toWireRetention,
  toWireSettings,
  toWireUsage,
} from "./convert/workspace.js";

export interface WorkspaceMethodsOptions {
  readonly access: Access;
  readonly settings: WorkspaceSettings;
  readonly limits: WorkspaceLimits;
}

/** The methods about the workspace as a whole: its settings, and how much of its limits is used. */
export function workspaceMethods({ access, settings, limits }: WorkspaceMethodsOptions) {
  return {
    getWorkspaceSandboxUsage({ workspaceId, projectId }) {
      access.resolveWorkspace(workspaceId);
      access.resolveProject(projectId);
      return { limits: limits.usage().map(toWireUsage) };
    },
    getWorkspaceSandboxSettings(request) {
      const workspaceId = access.resolveWorkspace(request.workspaceId);
      return { settings: toWireSettings(workspaceId, settings.get()) };
    },
    updateWorkspaceSandboxSettings(request) {
      const workspaceId = access.resolveWorkspace(request.workspaceId);
      return { settings: toWireSettings(workspaceId, settings.update(fromSettingsUpdate(request))) };
    },
    getWorkspaceSnapshotRetentionSettings(request) {
      const workspaceId = access.resolveWorkspace(request.workspaceId);
      return { settings: toWireRetention(workspaceId, settings.get()) };
    },
    updateWorkspaceSnapshotRetentionSettings(request) {
      const workspaceId = access.resolveWorkspace(request.workspaceId);
      return { settings: toWireRetention(workspaceId, settings.update(fromRetentionUpdate(request))) };
    },
  } satisfies Partial<ServiceImpl<typeof SandboxService>>;
}
