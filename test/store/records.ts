import type { ExecutionRecord } from "../../src/engine/core/ports/execution-store.js";
import type { SessionFilter, SessionRecord } from "../../src/engine/core/ports/store.js";

/** A record with everything that has to be there; `changes` say what matters. */
export function sessionRecord(id: string, changes: Partial<SessionRecord> = {}): SessionRecord {
  return {
    id,
    name: `name-${id}`,
    state: "RUNNING",
    ownerType: "USER",
    ownerId: "owner",
    workspaceId: "workspace",
    projectId: "project",
    createdAt: new Date("2030-01-01T00:00:00Z"),
    allowInbound: false,
    allowOutbound: true,
    cpuCores: 2,
    memoryMb: 4096,
    diskSizeGb: 10,
    sticky: false,
    tags: [],
    metadata: {},
    volumes: [],
    env: {},
    sshAuthorizedKeys: [],
    image: "",
    ...changes,
  };
}

export const everything: SessionFilter = { includeTerminated: true, tags: [] };

export function executionRecord(id: string, changes: Partial<ExecutionRecord> = {}): ExecutionRecord {
  return {
    id,
    sessionId: "session",
    argv: ["true"],
    cwd: "/home/tenki",
    privileged: false,
    terminal: false,
    takesInput: false,
    state: "RUNNING",
    startedAt: new Date("2030-01-01T00:00:00Z"),
    outputBytes: 0,
    keptFrom: 0,
    ...changes,
  };
}
