import { TenkiError } from "../../../domain/error.js";
import type { Access } from "../access/access.js";
import { defaultPageSize, previewNamesMax } from "../workspace/limits.js";
import { decodePageToken, encodePageToken } from "../page-token.js";
import type { PreviewRecord } from "../ports/preview-store.js";
import type { WorkspaceLimits } from "../workspace/workspace-limits.js";
import type { Previews } from "./previews.js";

export interface CreatePreviewName {
  readonly slug: string;
  readonly sessionId?: string | undefined;
  readonly port?: number | undefined;
}

export type PreviewLookup = { readonly id: string } | { readonly slug: string };

export interface PreviewNamesOptions {
  readonly previews: Previews;
  readonly limits: WorkspaceLimits;
  readonly access: Access;
}

/** Addresses that are kept for the workspace, and move from session to session. */
export class PreviewNames {
  readonly #options: PreviewNamesOptions;

  constructor(options: PreviewNamesOptions) {
    this.#options = options;
    const holding = { count: () => this.#all().length, bytes: () => 0 };
    options.limits.hold("preview_urls_per_project", holding);
    options.limits.hold("preview_urls_per_workspace", holding);
  }

  async create({ slug, sessionId, port }: CreatePreviewName): Promise<PreviewRecord> {
    const { previews } = this.#options;
    if ((sessionId === undefined) !== (port === undefined)) {
      throw new TenkiError("invalid_argument", "a session and a port go together");
    }
    return previews.turns.run("names", () => {
      if (sessionId !== undefined) previews.requireReachable(sessionId);
      this.#checkLimits();
      return previews.open({ kind: "name", protocol: "http", slug, sessionId, port, expiresAt: undefined });
    });
  }

  get(lookup: PreviewLookup): PreviewRecord {
    const { table } = this.#options.previews;
    const [asked, found] =
      "id" in lookup ? [lookup.id, table.find(lookup.id)] : [lookup.slug, table.findBySlug(lookup.slug)];
    if (found?.kind === "name") return found;
    throw new TenkiError("not_found", `preview URL not found: ${asked}`, {
      hint: "tenki sandbox preview-url list",
    });
  }

  /** Newest first. */
  list(request: { readonly pageSize: number; readonly pageToken: string }) {
    const { workspaceId } = this.#options.access;
    const after = request.pageToken === "" ? undefined : decodePageToken(request.pageToken, workspaceId);
    const rest = this.#all().filter((preview) => after === undefined || isAfter(preview, after));
    const page = rest.slice(0, request.pageSize || defaultPageSize);
    const last = page.at(-1);
    const cursor = last && { createdAtMs: last.createdAt.getTime(), id: last.id };
    const more = cursor !== undefined && page.length < rest.length;
    return { previews: page, nextPageToken: more ? encodePageToken(cursor, workspaceId) : "" };
  }

  bind(id: string, sessionId: string, port: number): PreviewRecord {
    const { previews } = this.#options;
    this.get({ id });
    previews.requireReachable(sessionId);
    return previews.point(id, { sessionId, port });
  }

  unbind(id: string): PreviewRecord {
    this.get({ id });
    return this.#options.previews.point(id, undefined);
  }

  delete(id: string): void {
    this.get({ id });
    this.#options.previews.remove(id);
  }

  #all(): PreviewRecord[] {
    return this.#options.previews.table.all().filter(({ kind }) => kind === "name");
  }

  #checkLimits(): void {
    const { limits } = this.#options;
    limits.checkKept("preview_urls_per_project", 0);
    limits.checkKept("preview_urls_per_workspace", 0);
    if (this.#all().length < previewNamesMax) return;
    throw new TenkiError("resource_exhausted", `an engine keeps at most ${previewNamesMax} preview URLs`);
  }
}

const isAfter = (
  { createdAt, id }: PreviewRecord,
  after: { readonly createdAtMs: number; readonly id: string },
): boolean =>
  createdAt.getTime() < after.createdAtMs || (createdAt.getTime() === after.createdAtMs && id < after.id);
