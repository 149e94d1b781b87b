import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Store } from "../../src/engine/core/ports/store.js";
import type { VolumeRecord, VolumeStore } from "../../src/engine/core/ports/volume-store.js";
import { refused } from "../core/refused.js";

const volume = (id: string, changes: Partial<VolumeRecord> = {}): VolumeRecord => ({
  id,
  workspaceId: "w",
  projectId: "p",
  name: `volume Ω ${id}`,
  sizeBytes: 100 * 2 ** 30,
  state: "AVAILABLE",
  tags: ["a", "b"],
  createdAt: new Date(1_900_000_000_001),
  updatedAt: new Date(1_900_000_000_002),
  ...changes,
});

/** What every record of volumes keeps to. */
export function volumeStoreContract(
  name: string,
  open: () => Store & { readonly volumes: VolumeStore },
): void {
  describe(`${name}: volumes`, () => {
    let store: ReturnType<typeof open>;
    beforeEach(() => {
      store = open();
      for (const id of ["a", "c", "b"]) store.volumes.insertVolume(volume(id));
      store.volumes.insertVolume(volume("old", { createdAt: new Date(7) }));
      store.volumes.insertVolume(volume("being-made", { state: "CREATING" }));
    });
    afterEach(() => store.close());
    const ids = (volumes: readonly VolumeRecord[]) => volumes.map(({ id }) => id);

    it("gives back what was inserted, whole, and nothing else", () => {
      assert.deepEqual(store.volumes.getVolume("a"), volume("a"));
      assert.equal(store.volumes.getVolume("d"), undefined);
    });

    it("lists the newest first, a page at a time, without those that are being made", () => {
      const first = store.volumes.listVolumes({ size: 3 });
      assert.deepEqual(ids(first.volumes), ["c", "b", "a"]);
      const second = store.volumes.listVolumes({ size: 3, after: first.next });
      assert.deepEqual(ids(second.volumes), ["old"]);
      assert.equal(second.next, undefined);
      assert.deepEqual([...ids(store.volumes.allVolumes())].sort(), ["a", "b", "being-made", "c", "old"]);
    });

    it("replaces one, and forgets one", () => {
      store.volumes.updateVolume(volume("being-made", { sizeBytes: 7 }));
      assert.equal(store.volumes.listVolumes({ size: 9 }).volumes.length, 5);
      for (let twice = 0; twice < 2; twice += 1) store.volumes.deleteVolume("a");
      assert.equal(store.volumes.getVolume("a"), undefined);
      assert.throws(() => store.volumes.updateVolume(volume("a")), refused("not_found", "volume not found"));
    });
  });
}
