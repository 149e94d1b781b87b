import type { MessageInitShape } from "@bufbuild/protobuf";
import type { WorkspaceSettings, WorkspaceSettingsChange } from "../../domain/workspace-settings.js";
import type {
  UpdateWorkspaceSandboxSettingsRequestSchema,
  WorkspaceSandboxSettings,
} from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import { millisFromWire, millisToWire } from "./time.js";

export function settingsFromWire(wire: WorkspaceSandboxSettings | undefined): WorkspaceSettings {
  return {
    pauseRetentionMs: millisFromWire(wire?.pauseRetention),
    snapshotRetentionMs: millisFromWire(wire?.snapshotRetention),
    maxSnapshots: wire?.maxSnapshots,
    maxTemplates: wire?.maxTemplates,
    maxVolumes: wire?.maxVolumes,
    maxTotalBytes: wire?.maxTotalBytes === undefined ? undefined : Number(wire.maxTotalBytes),
    maxConcurrentSessions: wire?.maxConcurrentSessions,
    maxStickySessions: wire?.maxStickySessions,
    maxPreviewUrlsPerProject: wire?.maxPreviewUrlsPerProject,
    maxPreviewUrlsPerWorkspace: wire?.maxPreviewUrlsPerWorkspace,
  };
}

type WireChange = MessageInitShape<typeof UpdateWorkspaceSandboxSettingsRequestSchema>;

/** Null becomes the contract's `clear_…`; what is undefined is not sent. */
export function settingsChangeToWire(change: WorkspaceSettingsChange): WireChange {
  const { pauseRetentionMs, snapshotRetentionMs, maxTotalBytes, ...counts } = change;
  const values = {
    pauseRetention: pauseRetentionMs === null ? null : millisToWire(pauseRetentionMs),
    snapshotRetention: snapshotRetentionMs === null ? null : millisToWire(snapshotRetentionMs),
    maxTotalBytes: typeof maxTotalBytes === "number" ? BigInt(maxTotalBytes) : maxTotalBytes,
    ...counts,
  };
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => {
      if (value === undefined) return [];
      return [
        value === null ? [`clear${name.charAt(0).toUpperCase()}${name.slice(1)}`, true] : [name, value],
      ];
    }),
  ) as WireChange;
}
