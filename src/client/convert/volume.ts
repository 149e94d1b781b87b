import type { Volume, VolumeState } from "../../domain/volume.js";
import type {
  Volume as WireVolume,
  VolumeAttachment as WireAttachment,
  VolumeState as WireState,
} from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import { SandboxError } from "../errors.js";
import { attachmentFromWire } from "./session.js";

export function volumeFromWire(
  wire: WireVolume | undefined,
  attachments?: readonly WireAttachment[],
): Volume {
  if (wire === undefined) throw new SandboxError("internal", "the service answered without the volume");
  return {
    id: wire.id,
    workspaceId: wire.workspaceId,
    projectId: wire.projectId,
    name: wire.name,
    sizeBytes: Number(wire.sizeBytes),
    state: states[wire.state],
    createdAt: textDate(wire.createdAt),
    updatedAt: textDate(wire.updatedAt),
    tags: wire.tags,
    activeAttachments: attachments?.map(attachmentFromWire),
  };
}

/** By number: the generated code that knows the names is slow to load, and not loaded here. */
const states: Readonly<Record<WireState, VolumeState>> = {
  0: "AVAILABLE",
  1: "AVAILABLE",
  2: "DELETING",
  3: "DELETED",
  4: "IN_USE",
};

/** Volumes carry their times as RFC 3339 text. */
function textDate(text: string): Date | undefined {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
