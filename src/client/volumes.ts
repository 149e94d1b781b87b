import type { VolumeAttachment } from "../domain/session.js";
import type { Volume } from "../domain/volume.js";
import { attachmentFromWire } from "./convert/session.js";
import { volumeFromWire } from "./convert/volume.js";
import { SandboxError, VolumeNotFoundError } from "./errors.js";
import type { DetachVolumeOptions } from "./options/volumes.js";
import type { VolumeMountConfig } from "./options/sessions.js";
import type { WaitOptions } from "./options/waiting.js";
import { allPages, pageSize } from "./pages.js";
import { pollUntil } from "./poll-until.js";
import type { CallSettings, Rpc } from "./rpc.js";

export interface CreateVolumeOptions {
  readonly workspaceId?: string | undefined;
  readonly name: string;
  /** 1 MiB to 100 GiB. */
  readonly sizeBytes: number;
}

export interface UpdateVolumeOptions {
  readonly name?: string | undefined;
  /** Replaces the tags; an empty list clears them. */
  readonly tags?: readonly string[] | undefined;
}

const defaultReadyTimeoutMs = 120_000;
const defaultDetachTimeoutMs = 120_000;

/** Disks that outlive sessions. */
export class Volumes {
  readonly #rpc: Rpc;

  constructor(rpc: Rpc) {
    this.#rpc = rpc;
  }

  async create({ workspaceId, name, sizeBytes }: CreateVolumeOptions): Promise<Volume> {
    const { settings } = this.#rpc;
    const scope = { workspaceId: workspaceId ?? settings.workspaceId ?? "", projectId: settings.projectId };
    return volumeFromWire(
      (await this.#rpc.sandbox("createVolume", { ...scope, name, sizeBytes: BigInt(sizeBytes) })).volume,
    );
  }

  async get(volumeId: string, options: CallSettings = {}): Promise<Volume> {
    const answer = await this.#rpc.sandbox("getVolume", { volumeId }, options);
    return volumeFromWire(answer.volume, answer.activeAttachments);
  }

  list(options: { readonly workspaceId?: string | undefined } = {}): Promise<Volume[]> {
    const workspaceId = options.workspaceId ?? this.#rpc.settings.workspaceId ?? "";
    return allPages(async (pageToken) => {
      const page = await this.#rpc.sandbox("listVolumes", { workspaceId, pageSize, pageToken });
      return {
        items: page.volumes.map((volume) => volumeFromWire(volume)),
        nextPageToken: page.nextPageToken,
      };
    });
  }

  async update(volumeId: string, { name, tags }: UpdateVolumeOptions): Promise<Volume> {
    const clearTags = tags?.length === 0;
    return volumeFromWire(
      (await this.#rpc.sandbox("updateVolume", { volumeId, name, tags: [...(tags ?? [])], clearTags }))
        .volume,
    );
  }

  async resize(volumeId: string, sizeBytes: number): Promise<Volume> {
    return volumeFromWire(
      (await this.#rpc.sandbox("resizeVolume", { volumeId, newSizeBytes: BigInt(sizeBytes) })).volume,
    );
  }

  async delete(volumeId: string, signal?: AbortSignal): Promise<void> {
    await this.#rpc.sandbox("deleteVolume", { volumeId }, { signal });
  }

  /** Until it can be attached. */
  waitReady(volumeId: string, options: WaitOptions = {}): Promise<Volume> {
    const { timeoutMs = defaultReadyTimeoutMs, signal } = options;
    return pollUntil({ what: `volume ${volumeId} to be ready`, timeoutMs, signal }, async () => {
      const volume = await this.get(volumeId, { signal });
      if (volume.state === "AVAILABLE") return volume;
      if (volume.state === "IN_USE") return undefined;
      throw new VolumeNotFoundError(
        "not_found",
        `volume ${volumeId} is being deleted (state=${volume.state})`,
      );
    });
  }

  async attach(sessionId: string, mount: VolumeMountConfig): Promise<VolumeAttachment> {
    const { volumeId, mountPath, readOnly = false } = mount;
    const volume = { volumeId, mountPath, readonly: readOnly };
    const { attachment } = await this.#rpc.sandbox("attachVolume", { sessionId, volume });
    if (attachment === undefined)
      throw new SandboxError("internal", "the service answered without the attachment");
    return attachmentFromWire(attachment);
  }

  async detach(sessionId: string, volumeId: string, options: DetachVolumeOptions = {}): Promise<void> {
    const { force: forceDetach = false, signal } = options;
    const timeoutMs = options.waitTimeoutMs ?? options.timeoutMs ?? defaultDetachTimeoutMs;
    await this.#rpc.sandbox("detachVolume", { sessionId, volumeId, forceDetach }, { timeoutMs, signal });
  }
}
