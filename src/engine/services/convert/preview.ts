import type { MessageInitShape } from "@bufbuild/protobuf";
import type { PreviewUrlSchema } from "../../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { Access } from "../../core/access/access.js";
import type { PreviewRecord } from "../../core/ports/preview-store.js";
import type { PreviewAddresses } from "../../core/previews/preview-addresses.js";
import { defined } from "./defined.js";
import { toTimestamp } from "./time.js";

export const toWireExposure = (preview: PreviewRecord, addresses: PreviewAddresses) => ({
  port: preview.port ?? 0,
  previewUrl: addresses.url(preview),
  ...defined({
    expiresAt: toTimestamp(preview.expiresAt),
    slug: preview.slugAsked ? preview.slug : undefined,
  }),
});

export const toWirePreviewUrl = (
  preview: PreviewRecord,
  addresses: PreviewAddresses,
  access: Access,
): MessageInitShape<typeof PreviewUrlSchema> => ({
  id: preview.id,
  projectId: access.projectId,
  workspaceId: access.workspaceId,
  ownerId: access.identity.ownerId,
  slug: preview.slug,
  token: preview.token,
  previewUrl: addresses.url(preview),
  ...defined({
    sessionId: preview.sessionId,
    port: preview.port,
    createdAt: toTimestamp(preview.createdAt),
    updatedAt: toTimestamp(preview.updatedAt),
    lastAccessedAt: toTimestamp(preview.lastAccessedAt),
  }),
});
