import type { ServiceImpl } from "@connectrpc/connect";
import { TenkiError } from "../../domain/error.js";
import type { SandboxService, VolumeMount } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { Sessions } from "../core/sessions/sessions.js";
import type { Volumes } from "../core/volumes/volumes.js";
import { toWireAttachment, toWireVolume } from "./convert/volume.js";

export interface VolumeMethodsOptions {
  readonly sessions: Sessions;
  readonly volumes: Volumes;
}

/** The methods about volumes. */
export function volumeMethods({ sessions, volumes }: VolumeMethodsOptions) {
  return {
    async createVolume({ workspaceId, projectId, name, sizeBytes }) {
      const wanted = { workspaceId, projectId, name, sizeBytes: Number(sizeBytes) };
      return { volume: toWireVolume(await volumes.create(wanted)) };
    },
    getVolume({ volumeId }) {
      const volume = volumes.get(volumeId);
      const activeAttachments = (volume.activeAttachments ?? []).map(toWireAttachment);
      return { volume: toWireVolume(volume), activeAttachments };
    },
    listVolumes(request) {
      const page = volumes.list(request);
      return { ...page, volumes: page.volumes.map(toWireVolume) };
    },
    listProjectVolumes(request) {
      const page = volumes.list(request);
      return { ...page, volumes: page.volumes.map(toWireVolume) };
    },
    async updateVolume({ volumeId, ...change }) {
      return { volume: toWireVolume(await volumes.update(volumeId, change)) };
    },
    async resizeVolume({ volumeId, newSizeBytes }) {
      return { volume: toWireVolume(await volumes.resize(volumeId, Number(newSizeBytes))) };
    },
    async deleteVolume({ volumeId }) {
      await volumes.delete(volumeId);
      return {};
    },
    async attachVolume({ sessionId, volume }) {
      const attachment = await sessions.volumes.attach(sessionId, needMount(volume));
      return { attachment: toWireAttachment(attachment) };
    },
    async detachVolume({ sessionId, volumeId, forceDetach }) {
      await sessions.volumes.detach(sessionId, volumeId, forceDetach);
      return {};
    },
  } satisfies Partial<ServiceImpl<typeof SandboxService>>;
}

function needMount(volume: VolumeMount | undefined): VolumeMount {
  if (volume !== undefined) return volume;
  throw new TenkiError("invalid_argument", "volume is not set");
}
