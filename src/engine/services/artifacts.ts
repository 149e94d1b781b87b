import type { ServiceImpl } from "@connectrpc/connect";
import type { SandboxService } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { Artifacts } from "../core/files/artifacts.js";
import type { ArtifactLinks } from "./artifact-links.js";

/** Links into sessions and out of them. */
export const artifactMethods = (artifacts: Artifacts, links: ArtifactLinks) =>
  ({
    getArtifactUploadUrl({ sessionId, path, contentType }, context) {
      const { id } = artifacts.create(sessionId, path, contentType);
      const { url, expiresAt } = links.issue(id, "upload", context);
      return { artifactId: id, uploadUrl: url, expiresAt };
    },
    getArtifactDownloadUrl({ artifactId }, context) {
      const { id } = artifacts.get(artifactId);
      const { url, expiresAt } = links.issue(id, "download", context);
      return { downloadUrl: url, expiresAt };
    },
  }) satisfies Partial<ServiceImpl<typeof SandboxService>>;
