import { randomUUID } from "node:crypto";
import { defaultNetwork, defaultResources } from "../../../domain/resources.js";
import type { Access } from "../access/access.js";
import { checkEnvironment } from "../commands/check-command.js";
import { checkEgress } from "./egress.js";
import type { SessionRecord } from "../ports/store.js";
import { checkRetention, endAfter } from "./session-end.js";
import { checkSessionName, inventSessionName } from "./session-name.js";
import type { CreateSession } from "./session-requests.js";
import { checkAuthorizedKeys } from "../ssh/public-key.js";

/** A session as it begins: what was asked for, and what everybody gets who did not ask. */
export function newSession(request: CreateSession, access: Access, createdAt: Date): SessionRecord {
  checkEnvironment(request.env);
  return {
    id: randomUUID(),
    name: request.name === "" ? inventSessionName() : checkSessionName(request.name),
    state: "CREATING",
    ownerType: access.identity.ownerType,
    ownerId: access.resolveOwner(request.ownerId),
    workspaceId: access.resolveWorkspace(request.workspaceId),
    projectId: access.resolveProject(request.projectId),
    createdAt,
    timeoutAt:
      request.maxDurationMs === undefined ? undefined : endAfter(createdAt, request.maxDurationMs, createdAt),
    allowInbound: request.allowInbound ?? defaultNetwork.allowInbound,
    egress: checkEgress(request),
    allowOutbound: request.allowOutbound ?? defaultNetwork.allowOutbound,
    cpuCores: request.cpuCores ?? defaultResources.cpuCores,
    memoryMb: request.memoryMb ?? defaultResources.memoryMb,
    diskSizeGb: request.diskSizeGb ?? defaultResources.diskSizeGb,
    sticky: request.sticky,
    tags: [...new Set(request.tags)],
    metadata: request.metadata,
    volumes: [],
    idleTimeoutMinutes: request.idleTimeoutMinutes,
    pauseRetentionMs: checkRetention(request.pauseRetentionMs),
    env: request.env,
    sshAuthorizedKeys: checkAuthorizedKeys(request.sshAuthorizedKeys),
    image: request.image,
    snapshotId: request.snapshotId,
    sourceSnapshotId: request.snapshotId,
  };
}
