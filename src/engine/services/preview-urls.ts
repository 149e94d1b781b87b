import type { ServiceImpl } from "@connectrpc/connect";
import { TenkiError } from "../../domain/error.js";
import type { SandboxService } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { Access } from "../core/access/access.js";
import type { PreviewRecord } from "../core/ports/preview-store.js";
import type { PreviewParts } from "../core/previews/assemble-previews.js";
import { toWirePreviewUrl } from "./convert/preview.js";

/** The methods about addresses that are kept for a workspace. */
export function previewUrlMethods({ previews, names }: PreviewParts, access: Access) {
  const toWire = (preview: PreviewRecord) => toWirePreviewUrl(preview, previews.addresses, access);
  return {
    async createPreviewUrl({ projectId, workspaceId, slug, sessionId, port }) {
      access.resolveProject(projectId);
      access.resolveWorkspace(workspaceId);
      return { previewUrl: toWire(await names.create({ slug, sessionId, port })) };
    },
    getPreviewUrl({ lookup }) {
      if (lookup.case === undefined) throw new TenkiError("invalid_argument", "an id or a slug is needed");
      const asked = lookup.case === "slug" ? { slug: lookup.value } : { id: lookup.value };
      return { previewUrl: toWire(names.get(asked)) };
    },
    listPreviewUrls({ projectId, workspaceId, ...page }) {
      access.resolveProject(projectId);
      access.resolveWorkspace(workspaceId);
      const { previews: listed, nextPageToken } = names.list(page);
      return { previewUrls: listed.map(toWire), nextPageToken };
    },
    bindPreviewUrl({ previewUrlId, sessionId, port }) {
      return { previewUrl: toWire(names.bind(previewUrlId, sessionId, port)) };
    },
    unbindPreviewUrl({ previewUrlId }) {
      return { previewUrl: toWire(names.unbind(previewUrlId)) };
    },
    deletePreviewUrl({ previewUrlId }) {
      names.delete(previewUrlId);
      return {};
    },
  } satisfies Partial<ServiceImpl<typeof SandboxService>>;
}
