import type { ServiceImpl } from "@connectrpc/connect";
import type { Identity } from "../../domain/identity.js";
import type { SandboxService } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";

/** Whom the engine's token stands for. */
export const identityMethods = ({ ownerType, ownerId, workspaces }: Identity) =>
  ({
    whoAmI: () => ({
      ownerType,
      ownerId,
      workspaces: workspaces.map(({ id, name, projects }) => ({
        workspaceId: id,
        name,
        projects: projects.map((project) => ({ projectId: project.id, name: project.name })),
      })),
    }),
  }) satisfies Partial<ServiceImpl<typeof SandboxService>>;
