import type { SessionInfo, VolumeAttachment } from "../../../domain/session.js";
import { formatGoDuration } from "../../../lib/go-duration.js";
import { type Column, column, type Fields, listView, objectView, type View } from "../view.js";

/** A session as users, scripts and other programs see it. */
export function sessionFields(info: SessionInfo): Fields {
  const retention = info.pauseRetentionMs;
  return {
    id: info.id,
    name: info.name,
    state: info.state,
    owner_type: info.ownerType,
    owner_id: info.ownerId,
    workspace_id: info.workspaceId,
    project_id: info.projectId,
    cpu_cores: info.cpuCores,
    memory_mb: info.memoryMb,
    disk_size_gb: info.diskSizeGb,
    allow_inbound: info.allowInbound,
    allow_outbound: info.allowOutbound,
    sticky: info.sticky,
    idle_timeout_minutes: info.idleTimeoutMinutes ?? null,
    pause_retention: retention === undefined ? null : formatGoDuration(retention),
    tags: info.tags,
    metadata: info.metadata,
    volumes: info.volumes.map(volumeFields),
    created_at: info.createdAt,
    ready_at: info.readyAt ?? null,
    timeout_at: info.timeoutAt ?? null,
    last_activity_at: info.lastActivityAt ?? null,
    paused_at: info.pausedAt ?? null,
    pause_expires_at: info.pauseExpiresAt ?? null,
    terminated_at: info.terminatedAt ?? null,
    snapshot_id: info.snapshotId ?? null,
    pause_snapshot_id: info.pauseSnapshotId ?? null,
    source_snapshot_id: info.sourceSnapshotId ?? null,
    source_template_id: info.sourceTemplateId ?? null,
    source_registry_ref: info.sourceRegistryRef ?? null,
    last_resume_error: info.lastResumeError ?? null,
    terminal_error: info.terminalError ?? null,
  };
}

export const sessionView = (info: SessionInfo): View => objectView(sessionFields(info));

export const sessionsView = (infos: readonly SessionInfo[]): View =>
  listView(infos.map(sessionFields), columns);

const columns: readonly Column[] = [
  column("ID", "id"),
  column("NAME", "name"),
  column("STATE", "state"),
  column("CPU", "cpu_cores"),
  column("MEMORY_MB", "memory_mb"),
  column("DISK_GB", "disk_size_gb"),
  column("TAGS", "tags"),
  column("CREATED", "created_at"),
];

const volumeFields = (volume: VolumeAttachment): Fields => ({
  volume_id: volume.volumeId,
  mount_path: volume.mountPath,
  readonly: volume.readonly,
  state: volume.state,
});
