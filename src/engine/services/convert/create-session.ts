import { TenkiError } from "../../../domain/error.js";
import type { CreateSessionRequest } from "../../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { CreateSession } from "../../core/sessions/session-requests.js";
import { positiveMs } from "./time.js";

/** What is asked of a new session; an option that this engine does not have is refused, not passed over. */
export function fromCreateRequest(request: CreateSessionRequest): CreateSession {
  refuseUnsupported(request);
  return {
    name: request.name,
    ownerId: request.ownerId,
    workspaceId: request.workspaceId,
    projectId: request.projectId,
    allowInbound: request.allowInbound,
    allowOutbound: request.allowOutbound,
    maxDurationMs: positiveMs(request.maxDuration, "max_duration"),
    idleTimeoutMinutes: request.idleTimeoutMinutes,
    pauseRetentionMs: positiveMs(request.pauseRetention, "pause_retention"),
    cpuCores: request.cpuCores,
    memoryMb: request.memoryMb,
    diskSizeGb: request.diskSizeGb,
    sticky: request.sticky,
    metadata: request.metadata,
    env: request.env,
    tags: request.tags,
    sshAuthorizedKeys: request.sshAuthorizedKeys,
    cloneRepoUrl: request.cloneRepoUrl,
    image: request.registryRef ?? "",
    snapshotId: request.snapshotId,
    volumes: request.volumes,
  };
}

function refuseUnsupported(request: CreateSessionRequest): void {
  const asked: Readonly<Record<string, boolean>> = {
    template_spec_id: request.templateSpecId !== undefined,
    setup_env: Object.keys(request.setupEnv).length > 0,
    setup_secrets: Object.keys(request.setupSecrets).length > 0,
    enable_opencode: request.enableOpencode,
  };
  const fields = Object.keys(asked).filter((field) => asked[field]);
  if (fields.length > 0) {
    throw new TenkiError(
      "unimplemented",
      `this engine cannot create a session with ${fields.join(", ")} yet`,
    );
  }
}
