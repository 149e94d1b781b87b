import type { VolumeAttachment } from "../../../domain/session.js";
import type { Volume } from "../../../domain/volume.js";
import { type Column, column, type Fields, listView, objectView, sizeText, type View } from "../view.js";

/** A volume as users, scripts and other programs see it; a list does not say who has it. */
const volumeFields = (volume: Volume): Fields => ({
  id: volume.id,
  name: volume.name,
  state: volume.state,
  size_bytes: volume.sizeBytes,
  workspace_id: volume.workspaceId,
  project_id: volume.projectId,
  tags: volume.tags,
  created_at: volume.createdAt ?? null,
  updated_at: volume.updatedAt ?? null,
  attachments: volume.activeAttachments?.map(attachmentFields),
});

const attachmentFields = (attachment: VolumeAttachment): Fields => ({
  id: attachment.id,
  volume_id: attachment.volumeId,
  session_id: attachment.sessionId,
  mount_path: attachment.mountPath,
  readonly: attachment.readonly,
  state: attachment.state,
});

export const volumeView = (volume: Volume): View => objectView(volumeFields(volume));

export const volumesView = (volumes: readonly Volume[]): View => listView(volumes.map(volumeFields), columns);

export const attachmentView = (attachment: VolumeAttachment): View =>
  objectView(attachmentFields(attachment));

const columns: readonly Column[] = [
  column("ID", "id"),
  column("NAME", "name"),
  column("STATE", "state"),
  { header: "SIZE", cell: ({ size_bytes: bytes }) => sizeText(bytes as number) },
  column("TAGS", "tags"),
  column("CREATED", "created_at"),
];
