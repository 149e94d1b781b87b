import { randomBytes, randomUUID } from "node:crypto";
import { TenkiError } from "../../../domain/error.js";
import { isSameText } from "../../../lib/same-text.js";
import type { Clock } from "../ports/clock.js";
import type { PreviewRecord, PreviewStore } from "../ports/preview-store.js";

export type NewPreview = Pick<
  PreviewRecord,
  "kind" | "protocol" | "sessionId" | "port" | "expiresAt" | "doorPort" | "id"
> & { readonly slug: string | undefined };

/** How often the time of the last access is written, at most. */
const accessWriteMs = 5_000;

/** Every preview, as the record has it: in memory, because each request asks. */
export class PreviewTable {
  readonly #store: PreviewStore;
  readonly #clock: Clock;
  readonly #previews: Map<string, PreviewRecord>;

  constructor(store: PreviewStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#previews = new Map(store.allPreviews().map((preview) => [preview.id, preview]));
  }

  find(id: string): PreviewRecord | undefined {
    return this.#previews.get(id);
  }

  findBySlug(slug: string): PreviewRecord | undefined {
    return this.all().find((preview) => preview.slug === slug);
  }

  /** In a time that does not tell how much of a token was right. */
  findByToken(token: string): PreviewRecord | undefined {
    return this.all().filter((preview) => isSameText(token, preview.token))[0];
  }

  /** Newest first. */
  all(): PreviewRecord[] {
    return [...this.#previews.values()].sort(
      (a, b) => b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1),
    );
  }

  of(sessionId: string): PreviewRecord[] {
    return this.all().filter((preview) => preview.sessionId === sessionId);
  }

  /** A slug that somebody else has is `already_exists`. */
  insert({ slug, ...preview }: NewPreview): PreviewRecord {
    if (slug !== undefined) this.requireFree(slug);
    const now = this.#clock.now();
    return this.#put({
      ...preview,
      slug: slug ?? randomBytes(10).toString("hex"),
      slugAsked: slug !== undefined,
      token: `tp_${randomBytes(32).toString("base64url")}`,
      createdAt: now,
      updatedAt: now,
    });
  }

  change(id: string, changes: Partial<Omit<PreviewRecord, "id">>): PreviewRecord {
    const before = this.#previews.get(id);
    if (before === undefined) throw new TenkiError("not_found", `preview URL not found: ${id}`);
    return this.#put({ ...before, ...changes, updatedAt: this.#clock.now() });
  }

  /** It is used now. */
  touch(id: string): void {
    const preview = this.#previews.get(id);
    const now = this.#clock.now();
    if (preview === undefined) return;
    if (now.getTime() - (preview.lastAccessedAt?.getTime() ?? 0) < accessWriteMs) return;
    this.#put({ ...preview, lastAccessedAt: now });
  }

  remove(id: string): void {
    this.#store.deletePreview(id);
    this.#previews.delete(id);
  }

  isExpired({ expiresAt }: PreviewRecord): boolean {
    return expiresAt !== undefined && expiresAt <= this.#clock.now();
  }

  requireFree(slug: string): void {
    const holder = this.findBySlug(slug);
    if (holder === undefined) return;
    throw new TenkiError("already_exists", `the slug ${slug} is taken`, {
      hint:
        holder.kind === "name"
          ? `tenki sandbox preview-url bind ${slug} points it at another port`
          : `tenki sandbox unexpose ${holder.port} --session ${holder.sessionId} takes it from the port that has it`,
    });
  }

  #put(preview: PreviewRecord): PreviewRecord {
    this.#store.putPreview(preview);
    this.#previews.set(preview.id, preview);
    return preview;
  }
}

export const newPreviewId = (): string => randomUUID();
