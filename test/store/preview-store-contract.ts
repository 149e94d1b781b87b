import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { PreviewRecord, PreviewStore } from "../../src/engine/core/ports/preview-store.js";
import type { Store } from "../../src/engine/core/ports/store.js";

const preview = (id: string, changes: Partial<PreviewRecord> = {}): PreviewRecord => ({
  id,
  kind: "exposure",
  protocol: "http",
  slug: `slug-${id}`,
  slugAsked: false,
  token: `token-${id}`,
  sessionId: "session",
  port: 3000,
  doorPort: 40_000,
  createdAt: new Date(1_900_000_000_001),
  updatedAt: new Date(1_900_000_000_002),
  ...changes,
});

/** What every record of previews keeps to. */
export function previewStoreContract(
  name: string,
  open: () => Store & { readonly previews: PreviewStore },
): void {
  describe(`${name}: previews`, () => {
    let store: ReturnType<typeof open>;
    beforeEach(() => void (store = open()));
    afterEach(() => store.close());

    it("gives back what was put, whole", () => {
      const dates = { expiresAt: new Date(1_900_000_000_003), lastAccessedAt: new Date(1_900_000_000_004) };
      store.previews.putPreview(preview("a", dates));
      assert.deepEqual(store.previews.allPreviews(), [preview("a", dates)]);
    });

    it("replaces one of the same id, and only that", () => {
      store.previews.putPreview(preview("a"));
      store.previews.putPreview(preview("b"));
      store.previews.putPreview(preview("a", { slug: "another", port: 4000 }));
      const found = store.previews.allPreviews().map(({ id, slug, port }) => [id, slug, port]);
      assert.deepEqual(
        found.toSorted((a, b) => String(a).localeCompare(String(b))),
        [
          ["a", "another", 4000],
          ["b", "slug-b", 3000],
        ],
      );
    });

    it("forgets what is deleted, and does not mind what is not there", () => {
      store.previews.putPreview(preview("a"));
      store.previews.deletePreview("b");
      assert.equal(store.previews.allPreviews().length, 1);
      store.previews.deletePreview("a");
      assert.deepEqual(store.previews.allPreviews(), []);
    });
  });
}
