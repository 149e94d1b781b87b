import type { ExposedPort, PreviewUrl } from "../../domain/preview-url.js";
import type { PortExposure, PreviewUrl as WirePreviewUrl } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import { SandboxError } from "../errors.js";
import { dateFromWire } from "./time.js";

export function previewUrlFromWire(wire: WirePreviewUrl | undefined): PreviewUrl {
  if (wire === undefined) throw new SandboxError("internal", "the service answered without the preview URL");
  return {
    id: wire.id,
    workspaceId: wire.workspaceId,
    projectId: wire.projectId,
    ownerId: wire.ownerId,
    slug: wire.slug,
    token: wire.token,
    previewUrl: wire.previewUrl,
    sessionId: wire.sessionId,
    port: wire.port,
    createdAt: dateFromWire(wire.createdAt),
    updatedAt: dateFromWire(wire.updatedAt),
    lastAccessedAt: dateFromWire(wire.lastAccessedAt),
  };
}

export function exposedPortFromWire(wire: Omit<PortExposure, "$typeName">): ExposedPort {
  return {
    port: wire.port,
    previewUrl: wire.previewUrl,
    expiresAt: dateFromWire(wire.expiresAt),
    previewUrlId: wire.previewUrlId,
    slug: wire.slug,
  };
}
