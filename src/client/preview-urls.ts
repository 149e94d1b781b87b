import type { PreviewUrl } from "../domain/preview-url.js";
import { previewUrlFromWire } from "./convert/preview-url.js";
import { allPages, pageSize } from "./pages.js";
import type { Rpc } from "./rpc.js";

export interface PreviewUrlOptions {
  readonly workspaceId?: string | undefined;
  /** With `port`: bind it at once. */
  readonly sessionId?: string | undefined;
  readonly port?: number | undefined;
}

/** Names that ports can be opened under, and that move from session to session. */
export class PreviewUrlClient {
  readonly #rpc: Rpc;

  constructor(rpc: Rpc) {
    this.#rpc = rpc;
  }

  async create(slug: string, options: PreviewUrlOptions = {}): Promise<PreviewUrl> {
    const { projectId, workspaceId } = this.#rpc.settings;
    const scope = { projectId: projectId ?? "", workspaceId: options.workspaceId ?? workspaceId };
    const { sessionId, port } = options;
    return previewUrlFromWire(
      (await this.#rpc.sandbox("createPreviewUrl", { ...scope, slug, sessionId, port })).previewUrl,
    );
  }

  async get(previewUrlId: string): Promise<PreviewUrl> {
    const lookup = { case: "previewUrlId" as const, value: previewUrlId };
    return previewUrlFromWire((await this.#rpc.sandbox("getPreviewUrl", { lookup })).previewUrl);
  }

  async getBySlug(slug: string): Promise<PreviewUrl> {
    const lookup = { case: "slug" as const, value: slug };
    return previewUrlFromWire((await this.#rpc.sandbox("getPreviewUrl", { lookup })).previewUrl);
  }

  list(options: { readonly workspaceId?: string | undefined } = {}): Promise<PreviewUrl[]> {
    const { projectId = "", workspaceId } = this.#rpc.settings;
    const scope = { projectId, workspaceId: options.workspaceId ?? workspaceId };
    return allPages(async (pageToken) => {
      const page = await this.#rpc.sandbox("listPreviewUrls", { ...scope, pageSize, pageToken });
      return { items: page.previewUrls.map(previewUrlFromWire), nextPageToken: page.nextPageToken };
    });
  }

  async bind(previewUrlId: string, sessionId: string, port: number): Promise<PreviewUrl> {
    return previewUrlFromWire(
      (await this.#rpc.sandbox("bindPreviewUrl", { previewUrlId, sessionId, port })).previewUrl,
    );
  }

  async unbind(previewUrlId: string): Promise<PreviewUrl> {
    return previewUrlFromWire((await this.#rpc.sandbox("unbindPreviewUrl", { previewUrlId })).previewUrl);
  }

  async delete(previewUrlId: string): Promise<void> {
    await this.#rpc.sandbox("deletePreviewUrl", { previewUrlId });
  }
}
