export interface Project {
  readonly id: string;
  readonly name: string;
}

export interface Workspace {
  readonly id: string;
  readonly name: string;
  readonly projects: readonly Project[];
}

/** Whom a token stands for, and what it may see. */
export interface Identity {
  readonly ownerType: string;
  readonly ownerId: string;
  readonly workspaces: readonly Workspace[];
}
