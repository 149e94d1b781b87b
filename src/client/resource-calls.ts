import type { Snapshot } from "../domain/snapshot.js";
import type { UsageLimit } from "../domain/usage.js";
import type { Volume } from "../domain/volume.js";
import type { WorkspaceSettings, WorkspaceSettingsChange } from "../domain/workspace-settings.js";
import { Executions } from "./executions.js";
import { PreviewUrlClient } from "./preview-urls.js";
import type { Rpc } from "./rpc.js";
import {
  Snapshots,
  type CreateSnapshotOptions,
  type SnapshotDownload,
  type UpdateSnapshotOptions,
} from "./snapshots.js";
import { getUsage } from "./usage.js";
import { Volumes, type CreateVolumeOptions, type UpdateVolumeOptions } from "./volumes.js";
import { getSettings, updateSettings } from "./workspace-settings.js";

interface WorkspaceScope {
  readonly workspaceId?: string | undefined;
}

/** A client's calls for what is not a session, by noun and under the names that programs already use. */
export class ResourceCalls {
  readonly volumes: Volumes;
  readonly snapshots: Snapshots;
  readonly previewUrls: PreviewUrlClient;
  readonly executions: Executions;
  readonly #rpc: Rpc;

  constructor(rpc: Rpc) {
    this.#rpc = rpc;
    this.volumes = new Volumes(rpc);
    this.snapshots = new Snapshots(rpc);
    this.previewUrls = new PreviewUrlClient(rpc);
    this.executions = new Executions(rpc);
  }

  /** What the workspace uses of each of its limits. */
  getUsage(scope: WorkspaceScope = {}): Promise<UsageLimit[]> {
    return getUsage(this.#rpc, scope.workspaceId);
  }

  /** What holds for all sessions of the workspace: its limits, and how long things are kept. */
  getSettings(scope: WorkspaceScope = {}): Promise<WorkspaceSettings> {
    return getSettings(this.#rpc, scope.workspaceId);
  }

  /** What is left out stays; `null` takes a limit away. */
  updateSettings(change: WorkspaceSettingsChange, scope: WorkspaceScope = {}): Promise<WorkspaceSettings> {
    return updateSettings(this.#rpc, change, scope.workspaceId);
  }

  createVolume(options: CreateVolumeOptions): Promise<Volume> {
    return this.volumes.create(options);
  }

  getVolume(volumeId: string): Promise<Volume> {
    return this.volumes.get(volumeId);
  }

  listVolumes(scope?: WorkspaceScope): Promise<Volume[]> {
    return this.volumes.list(scope);
  }

  updateVolume(volumeId: string, options: UpdateVolumeOptions): Promise<Volume> {
    return this.volumes.update(volumeId, options);
  }

  resizeVolume(volumeId: string, sizeBytes: number): Promise<Volume> {
    return this.volumes.resize(volumeId, sizeBytes);
  }

  deleteVolume(volumeId: string, signal?: AbortSignal): Promise<void> {
    return this.volumes.delete(volumeId, signal);
  }

  waitVolumeReady(volumeId: string, timeoutMs?: number, signal?: AbortSignal): Promise<Volume> {
    return this.volumes.waitReady(volumeId, { timeoutMs, signal });
  }

  createSnapshot(sessionId: string, options?: CreateSnapshotOptions): Promise<Snapshot> {
    return this.snapshots.create(sessionId, options);
  }

  createSnapshotAsync(sessionId: string, options?: CreateSnapshotOptions): Promise<Snapshot> {
    return this.snapshots.create(sessionId, { ...options, async: true });
  }

  createSnapshotAndWait(sessionId: string, options?: CreateSnapshotOptions): Promise<Snapshot> {
    return this.snapshots.createAndWait(sessionId, options);
  }

  getSnapshot(snapshotId: string): Promise<Snapshot> {
    return this.snapshots.get(snapshotId);
  }

  listSnapshots(scope?: WorkspaceScope): Promise<Snapshot[]> {
    return this.snapshots.list(scope);
  }

  listSessionSnapshots(sessionId: string): Promise<Snapshot[]> {
    return this.snapshots.listOfSession(sessionId);
  }

  listDanglingSnapshots(): Promise<Snapshot[]> {
    return this.snapshots.listDangling();
  }

  updateSnapshot(snapshotId: string, options: UpdateSnapshotOptions): Promise<Snapshot> {
    return this.snapshots.update(snapshotId, options);
  }

  deleteSnapshot(snapshotId: string): Promise<Snapshot> {
    return this.snapshots.delete(snapshotId);
  }

  getSnapshotDownloadURL(snapshotId: string): Promise<SnapshotDownload> {
    return this.snapshots.downloadUrl(snapshotId);
  }

  waitSnapshotReady(snapshotId: string, timeoutMs?: number, signal?: AbortSignal): Promise<Snapshot> {
    return this.snapshots.waitReady(snapshotId, { timeoutMs, signal });
  }
}
