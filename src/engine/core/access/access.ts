import { createHash, randomUUID, timingSafeEqual } from "node:crypto";
import { TenkiError } from "../../../domain/error.js";
import type { Identity } from "../../../domain/identity.js";
import type { Store } from "../ports/store.js";

/** Who may come in, and as whom: an engine has one token, one owner, one workspace and one project. */
export class Access {
  readonly identity: Identity;
  readonly workspaceId: string;
  readonly projectId: string;
  readonly #tokenDigest: Buffer;

  constructor(store: Store, token: string) {
    this.#tokenDigest = digest(token);
    this.workspaceId = keptId(store, "workspace_id");
    this.projectId = keptId(store, "project_id");
    this.identity = {
      ownerType: "USER",
      ownerId: keptId(store, "owner_id"),
      workspaces: [
        { id: this.workspaceId, name: "local", projects: [{ id: this.projectId, name: "default" }] },
      ],
    };
  }

  /** In constant time, whatever the token's length. */
  checkToken(token: string | undefined): void {
    if (token === undefined) throw new TenkiError("unauthenticated", "no token was given");
    if (!timingSafeEqual(digest(token), this.#tokenDigest)) {
      throw new TenkiError("unauthenticated", "the token is not valid");
    }
  }

  /** The workspace that a request means; leaving it out means the only one. */
  resolveWorkspace(asked: string | undefined): string {
    if (asked === undefined || asked === "" || asked === this.workspaceId) return this.workspaceId;
    throw new TenkiError(
      "permission_denied",
      `workspace ${asked} is not yours: this engine has ${this.workspaceId} only`,
    );
  }

  resolveProject(asked: string | undefined): string {
    if (asked === undefined || asked === "" || asked === this.projectId) return this.projectId;
    throw new TenkiError(
      "permission_denied",
      `project ${asked} is not yours: this engine has ${this.projectId} only`,
    );
  }

  /** `self`, or nothing, is the caller; there is nobody else here. */
  resolveOwner(asked: string | undefined): string {
    const { ownerId } = this.identity;
    if (asked === undefined || asked === "" || asked === "self" || asked === ownerId) return ownerId;
    throw new TenkiError("permission_denied", `owner ${asked} is somebody else`);
  }
}

function keptId(store: Store, key: string): string {
  const kept = store.getSetting(key);
  if (kept !== undefined) return kept;
  const id = randomUUID();
  store.setSetting(key, id);
  return id;
}

const digest = (token: string): Buffer => createHash("sha256").update(token).digest();
