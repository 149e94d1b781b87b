import type { PreviewRecord, PreviewStore } from "../core/ports/preview-store.js";

/** Previews that are gone with their process. */
export class MemoryPreviews implements PreviewStore {
  readonly #previews = new Map<string, PreviewRecord>();

  allPreviews(): readonly PreviewRecord[] {
    return [...this.#previews.values()];
  }

  putPreview(preview: PreviewRecord): void {
    this.#previews.set(preview.id, preview);
  }

  deletePreview(id: string): void {
    this.#previews.delete(id);
  }
}
