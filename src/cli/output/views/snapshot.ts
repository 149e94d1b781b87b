import type { Snapshot } from "../../../domain/snapshot.js";
import { type Column, column, type Fields, listView, objectView, sizeText, type View } from "../view.js";

/** A snapshot as users, scripts and other programs see it. */
const snapshotFields = (snapshot: Snapshot): Fields => ({
  id: snapshot.id,
  name: snapshot.name || null,
  state: snapshot.state,
  type: snapshot.type,
  durability: snapshot.durability ?? null,
  session_id: snapshot.sessionId,
  workspace_id: snapshot.workspaceId,
  project_id: snapshot.projectId,
  image: snapshot.baseImageId,
  size_bytes: snapshot.sizeBytes,
  memory_bytes: snapshot.memoryBytes,
  cpu_cores: snapshot.cpuCores,
  memory_mb: snapshot.memoryMb,
  disk_size_gb: snapshot.diskSizeGb,
  tags: snapshot.tags,
  created_at: snapshot.createdAt ?? null,
  local_ready_at: snapshot.localReadyAt ?? null,
  expires_at: snapshot.expiresAt ?? null,
  failure_reason: snapshot.failureReason ?? null,
  propagation_error: snapshot.propagationError ?? null,
});

export const snapshotView = (snapshot: Snapshot): View => objectView(snapshotFields(snapshot));

export const snapshotsView = (snapshots: readonly Snapshot[]): View =>
  listView(snapshots.map(snapshotFields), columns);

const columns: readonly Column[] = [
  column("ID", "id"),
  column("NAME", "name"),
  column("STATE", "state"),
  column("TYPE", "type"),
  { header: "SIZE", cell: ({ size_bytes: bytes }) => sizeText(bytes as number) },
  column("SESSION", "session_id"),
  column("CREATED", "created_at"),
  column("EXPIRES", "expires_at"),
];
