import type { Identity } from "../../domain/identity.js";
import type { WhoAmIResponse } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";

export function identityFromWire(wire: WhoAmIResponse): Identity {
  return {
    ownerType: wire.ownerType,
    ownerId: wire.ownerId,
    workspaces: wire.workspaces.map((workspace) => ({
      id: workspace.workspaceId,
      name: workspace.name,
      projects: workspace.projects.map((project) => ({ id: project.projectId, name: project.name })),
    })),
  };
}
