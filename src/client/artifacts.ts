import { dateFromWire } from "./convert/time.js";
import type { Rpc } from "./rpc.js";

/** A link that needs no token: whoever has it may use it, until it expires. */
export interface ArtifactLink {
  readonly url: string;
  readonly expiresAt: Date | undefined;
}

export interface ArtifactUpload extends ArtifactLink {
  /** For `artifactDownloadUrl`. */
  readonly artifactId: string;
}

export interface ArtifactUploadOptions {
  /** What a download will say it is. Default: application/octet-stream. */
  readonly contentType?: string | undefined;
}

/** A link that takes a file by PUT, into a session. */
export async function artifactUploadUrl(
  rpc: Rpc,
  sessionId: string,
  path: string,
  { contentType = "" }: ArtifactUploadOptions = {},
): Promise<ArtifactUpload> {
  const answer = await rpc.sandbox("getArtifactUploadUrl", { sessionId, path, contentType });
  const { artifactId, uploadUrl: url } = answer;
  return { artifactId, url, expiresAt: dateFromWire(answer.expiresAt) };
}

/** A link that gives the file by GET. */
export async function artifactDownloadUrl(rpc: Rpc, artifactId: string): Promise<ArtifactLink> {
  const { downloadUrl: url, expiresAt } = await rpc.sandbox("getArtifactDownloadUrl", { artifactId });
  return { url, expiresAt: dateFromWire(expiresAt) };
}
