import { Code, ConnectError } from "@connectrpc/connect";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  AttachVolumeRequest,
  CreateVolumeRequest,
  DetachVolumeRequest,
  ResizeVolumeRequest,
  UpdateVolumeRequest,
  VolumeAttachmentSchema,
  VolumeSchema,
} from "../../../src/gen/tenki/sandbox/v1/sandbox_pb.js";

type WireVolume = MessageInitShape<typeof VolumeSchema> & { id: string };
type WireAttachment = MessageInitShape<typeof VolumeAttachmentSchema>;

/** Volumes as a service tells of them, newest first; nothing is behind them. */
export function volumeRoutes() {
  const volumes: WireVolume[] = [];
  const attachments: WireAttachment[] = [];
  const find = (id: string): WireVolume => {
    const volume = volumes.find((each) => each.id === id);
    if (volume === undefined) throw new ConnectError(`volume not found: ${id}`, Code.NotFound);
    return volume;
  };
  const at = "2026-01-02T03:04:05.000Z";
  return {
    createVolume({ name, sizeBytes }: CreateVolumeRequest) {
      const id = `0190d3c5-0000-7000-8000-${String(volumes.length).padStart(12, "a")}`;
      const volume = { id, name, sizeBytes, state: 1, createdAt: at, updatedAt: at };
      volumes.unshift(volume);
      return { volume };
    },
    getVolume: ({ volumeId }: { readonly volumeId: string }) => ({
      volume: find(volumeId),
      activeAttachments: attachments.filter((each) => each.volumeId === volumeId),
    }),
    listVolumes: () => ({ volumes }),
    updateVolume({ volumeId, name, tags, clearTags }: UpdateVolumeRequest) {
      const changed = clearTags || tags.length > 0 ? { tags } : {};
      return { volume: Object.assign(find(volumeId), changed, name === undefined ? {} : { name }) };
    },
    resizeVolume: ({ volumeId, newSizeBytes }: ResizeVolumeRequest) => ({
      volume: Object.assign(find(volumeId), { sizeBytes: newSizeBytes }),
    }),
    deleteVolume({ volumeId }: { readonly volumeId: string }) {
      volumes.splice(volumes.indexOf(find(volumeId)), 1);
      return {};
    },
    attachVolume({ sessionId, volume }: AttachVolumeRequest) {
      const { volumeId = "", mountPath = "", readonly = false } = volume ?? {};
      find(volumeId);
      const attachment = { id: "at", volumeId, sessionId, mountPath, readonly, state: "ATTACHED" };
      attachments.push(attachment);
      return { attachment };
    },
    /** One that is in use is let go of by force only. */
    detachVolume({ volumeId, forceDetach }: DetachVolumeRequest) {
      const found = attachments.findIndex((each) => each.volumeId === volumeId);
      if (found < 0) throw new ConnectError(`volume not found in the session: ${volumeId}`, Code.NotFound);
      if (attachments[found]?.mountPath === "/busy" && !forceDetach)
        throw new ConnectError("volume is in use by sleep (pid 7)", Code.FailedPrecondition);
      attachments.splice(found, 1);
      return {};
    },
  };
}
