import type { MessageInitShape } from "@bufbuild/protobuf";
import type { VolumeAttachment } from "../../../domain/session.js";
import type { Volume } from "../../../domain/volume.js";
import {
  type VolumeAttachmentSchema,
  type VolumeSchema,
  VolumeState as WireState,
} from "../../../gen/tenki/sandbox/v1/sandbox_pb.js";

/** A volume for the wire, which has its times as text. */
export function toWireVolume(volume: Volume): MessageInitShape<typeof VolumeSchema> {
  return {
    id: volume.id,
    workspaceId: volume.workspaceId,
    projectId: volume.projectId,
    name: volume.name,
    sizeBytes: BigInt(volume.sizeBytes),
    state: WireState[volume.state],
    createdAt: volume.createdAt?.toISOString() ?? "",
    updatedAt: volume.updatedAt?.toISOString() ?? "",
    tags: [...volume.tags],
  };
}

export const toWireAttachment = (
  attachment: VolumeAttachment,
): MessageInitShape<typeof VolumeAttachmentSchema> => ({ ...attachment });
