import type { Identity } from "../../../domain/identity.js";
import { objectView, type View } from "../view.js";

export function identityView({ ownerType, ownerId, workspaces }: Identity): View {
  const owner = { owner_type: ownerType, owner_id: ownerId };
  return objectView(
    {
      ...owner,
      workspaces: workspaces.map(({ id, name, projects }) => ({
        id,
        name,
        projects: projects.map((project) => ({ id: project.id, name: project.name })),
      })),
    },
    {
      ...owner,
      workspaces: workspaces.map(idAndName),
      projects: workspaces.flatMap(({ projects }) => projects.map(idAndName)),
    },
  );
}

const idAndName = ({ id, name }: { readonly id: string; readonly name: string }): string => `${id} (${name})`;

/** `user 1234-…` */
export const identityName = ({ ownerType, ownerId }: Identity): string =>
  `${ownerType.toLowerCase()} ${ownerId}`;
