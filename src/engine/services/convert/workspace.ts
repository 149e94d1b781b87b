import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Duration } from "@bufbuild/protobuf/wkt";
import { TenkiError } from "../../../domain/error.js";
import type { UsageLimit } from "../../../domain/usage.js";
import type { WorkspaceSettings, WorkspaceSettingsChange } from "../../../domain/workspace-settings.js";
import {
  SandboxUsageUnit,
  type UpdateWorkspaceSandboxSettingsRequest,
  type UpdateWorkspaceSnapshotRetentionSettingsRequest,
  type WorkspaceSandboxSettingsSchema,
  type WorkspaceSandboxUsageLimitSchema,
  type WorkspaceSnapshotRetentionSettingsSchema,
} from "../../../gen/tenki/sandbox/v1/sandbox_pb.js";
import { defined } from "./defined.js";
import { durationFromMs, durationMs } from "./time.js";

export function toWireSettings(
  workspaceId: string,
  settings: WorkspaceSettings,
): MessageInitShape<typeof WorkspaceSandboxSettingsSchema> {
  const { pauseRetentionMs, snapshotRetentionMs, maxTotalBytes, ...counts } = settings;
  return {
    workspaceId,
    ...defined({
      ...counts,
      ...retention({ pauseRetentionMs, snapshotRetentionMs }),
      maxTotalBytes: maxTotalBytes === undefined ? undefined : BigInt(maxTotalBytes),
    }),
  };
}

export const toWireRetention = (
  workspaceId: string,
  settings: WorkspaceSettings,
): MessageInitShape<typeof WorkspaceSnapshotRetentionSettingsSchema> => ({
  workspaceId,
  ...defined(retention(settings)),
});

const retention = ({ pauseRetentionMs, snapshotRetentionMs }: WorkspaceSettings) => ({
  pauseRetention: pauseRetentionMs === undefined ? undefined : durationFromMs(pauseRetentionMs),
  snapshotRetention: snapshotRetentionMs === undefined ? undefined : durationFromMs(snapshotRetentionMs),
});

export function fromSettingsUpdate(request: UpdateWorkspaceSandboxSettingsRequest): WorkspaceSettingsChange {
  return {
    ...fromRetentionUpdate(request),
    maxSnapshots: change("max_snapshots", request.maxSnapshots, request.clearMaxSnapshots),
    maxTemplates: change("max_templates", request.maxTemplates, request.clearMaxTemplates),
    maxVolumes: change("max_volumes", request.maxVolumes, request.clearMaxVolumes),
    maxTotalBytes: change("max_total_bytes", toNumber(request.maxTotalBytes), request.clearMaxTotalBytes),
    maxConcurrentSessions: change(
      "max_concurrent_sessions",
      request.maxConcurrentSessions,
      request.clearMaxConcurrentSessions,
    ),
    maxStickySessions: change(
      "max_sticky_sessions",
      request.maxStickySessions,
      request.clearMaxStickySessions,
    ),
    maxPreviewUrlsPerProject: change(
      "max_preview_urls_per_project",
      request.maxPreviewUrlsPerProject,
      request.clearMaxPreviewUrlsPerProject,
    ),
    maxPreviewUrlsPerWorkspace: change(
      "max_preview_urls_per_workspace",
      request.maxPreviewUrlsPerWorkspace,
      request.clearMaxPreviewUrlsPerWorkspace,
    ),
  };
}

type RetentionUpdate = Pick<
  UpdateWorkspaceSnapshotRetentionSettingsRequest,
  "pauseRetention" | "clearPauseRetention" | "snapshotRetention" | "clearSnapshotRetention"
>;

export function fromRetentionUpdate(request: RetentionUpdate): WorkspaceSettingsChange {
  return {
    pauseRetentionMs: change("pause_retention", toMs(request.pauseRetention), request.clearPauseRetention),
    snapshotRetentionMs: change(
      "snapshot_retention",
      toMs(request.snapshotRetention),
      request.clearSnapshotRetention,
    ),
  };
}

export const toWireUsage = ({
  current,
  max,
  unit,
  ...names
}: UsageLimit): MessageInitShape<typeof WorkspaceSandboxUsageLimitSchema> => ({
  ...names,
  unit: units[unit],
  current: BigInt(current),
  ...(max === undefined ? {} : { max: BigInt(max) }),
});

const units: Readonly<Record<UsageLimit["unit"], SandboxUsageUnit>> = {
  unspecified: SandboxUsageUnit.UNSPECIFIED,
  count: SandboxUsageUnit.COUNT,
  bytes: SandboxUsageUnit.BYTES,
};

/** Null takes it away, undefined leaves it; both at once is nobody's wish. */
function change(field: string, value: number | undefined, clear: boolean): number | null | undefined {
  if (!clear) return value;
  if (value === undefined) return null;
  throw new TenkiError("invalid_argument", `${field} and clear_${field} contradict each other`);
}

const toMs = (duration: Duration | undefined): number | undefined =>
  duration === undefined ? undefined : durationMs(duration);

const toNumber = (value: bigint | undefined): number | undefined =>
  value === undefined ? undefined : Number(value);
