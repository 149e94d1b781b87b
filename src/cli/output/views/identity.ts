import type { Identity } from "../../../domain/identity.js";
import { objectView, type View } from "../view.js";

export function identityView(identity: Identity): View {
  return objectView({
    owner_type: identity.ownerType,
    owner_id: identity.ownerId,
    workspaces: identity.workspaces.map(({ id, name, projects }) => ({
      id,
      name,
      projects: projects.map((project) => ({ id: project.id, name: project.name })),
    })),
  });
}

/** `user 1234-…` */
export const identityName = ({ ownerType, ownerId }: Identity): string =>
  `${ownerType.toLowerCase()} ${ownerId}`;
