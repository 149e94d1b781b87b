import type { ExposedPort, PreviewUrl } from "../../../domain/preview-url.js";
import { column, type Column, type Fields, listView, objectView, type View } from "../view.js";

const portFields = ({ port, previewUrl, expiresAt, slug, previewUrlId }: ExposedPort): Fields => ({
  port,
  preview_url: previewUrl,
  expires_at: expiresAt ?? null,
  slug: slug ?? null,
  ...(previewUrlId === undefined ? {} : { preview_url_id: previewUrlId }),
});

export const exposedPortView = (exposed: ExposedPort): View => objectView(portFields(exposed));

export const exposedPortsView = (ports: readonly ExposedPort[]): View =>
  listView(ports.map(portFields), portColumns);

const portColumns: readonly Column[] = [
  column("PORT", "port"),
  column("URL", "preview_url"),
  column("EXPIRES", "expires_at"),
  column("SLUG", "slug"),
];

/** Without its token: that is for gateways. */
const previewUrlFields = (preview: PreviewUrl): Fields => ({
  id: preview.id,
  slug: preview.slug,
  preview_url: preview.previewUrl,
  session_id: preview.sessionId ?? null,
  port: preview.port ?? null,
  workspace_id: preview.workspaceId,
  created_at: preview.createdAt ?? null,
  updated_at: preview.updatedAt ?? null,
  last_accessed_at: preview.lastAccessedAt ?? null,
});

export const previewUrlView = (preview: PreviewUrl): View => objectView(previewUrlFields(preview));

export const previewUrlsView = (previews: readonly PreviewUrl[]): View =>
  listView(previews.map(previewUrlFields), previewUrlColumns);

const previewUrlColumns: readonly Column[] = [
  column("ID", "id"),
  column("SLUG", "slug"),
  column("URL", "preview_url"),
  column("SESSION", "session_id"),
  column("PORT", "port"),
];
