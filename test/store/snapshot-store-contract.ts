import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import {
  expiriesKept,
  type SnapshotRecord,
  type SnapshotStore,
} from "../../src/engine/core/ports/snapshot-store.js";
import type { Store } from "../../src/engine/core/ports/store.js";
import { refused } from "../core/refused.js";
import { sessionRecord } from "./records.js";

const snapshot = (id: string, changes: Partial<SnapshotRecord> = {}): SnapshotRecord => ({
  id,
  sessionId: "live",
  workspaceId: "w",
  projectId: "p",
  name: `snapshot Ω ${id}`,
  state: "READY",
  type: "USER",
  durability: "LOCAL_READY",
  sizeBytes: 100 * 2 ** 30,
  compressedBytes: 0,
  memoryBytes: 0,
  baseImageId: "",
  createdAt: new Date(1_900_000_000_001),
  expiresAt: new Date(1_900_000_000_002),
  localReadyAt: new Date(1_900_000_000_003),
  tags: ["a", "b"],
  cpuCores: 2,
  memoryMb: 4_096,
  diskSizeGb: 10,
  rawImageAvailable: false,
  isPromised: false,
  env: { expiresAt: "2030-01-01" },
  ...changes,
});

/** What every record of snapshots keeps to. */
export function snapshotStoreContract(
  name: string,
  open: () => Store & { readonly snapshots: SnapshotStore },
): void {
  describe(`${name}: snapshots`, () => {
    let store: ReturnType<typeof open>;
    beforeEach(() => {
      store = open();
      store.insertSession(sessionRecord("live"));
      store.insertSession(sessionRecord("over", { state: "TERMINATED" }));
      for (const id of ["a", "c", "b"]) store.snapshots.insertSnapshot(snapshot(id));
      store.snapshots.insertSnapshot(snapshot("old", { createdAt: new Date(7), sessionId: "over" }));
      store.snapshots.insertSnapshot(snapshot("oldest", { createdAt: new Date(6), sessionId: "forgotten" }));
    });
    afterEach(() => store.close());
    const list = (filter = {}, page = { size: 9 }) =>
      store.snapshots.listSnapshots(filter, page).snapshots.map(({ id }) => id);

    it("gives back what was inserted, whole, and nothing else", () => {
      assert.deepEqual(store.snapshots.getSnapshot("a"), snapshot("a"));
      assert.equal(store.snapshots.getSnapshot("d"), undefined);
    });

    it("lists the newest first, a page at a time", () => {
      const first = store.snapshots.listSnapshots({}, { size: 3 });
      assert.deepEqual(
        first.snapshots.map(({ id }) => id),
        ["c", "b", "a"],
      );
      const second = store.snapshots.listSnapshots({}, { size: 3, after: first.next });
      assert.deepEqual(
        second.snapshots.map(({ id }) => id),
        ["old", "oldest"],
      );
      assert.equal(second.next, undefined);
      assert.equal(store.snapshots.allSnapshots().length, 5);
    });

    it("lists those of a session, and those whose session is over", () => {
      assert.deepEqual(list({ sessionId: "over" }), ["old"]);
      assert.deepEqual(list({ dangling: true }), ["old", "oldest"]);
      assert.deepEqual(list({ dangling: true, sessionId: "live" }), []);
      store.updateSession(sessionRecord("live", { state: "TERMINATED" }));
      assert.deepEqual(list({ dangling: true, sessionId: "live" }), ["c", "b", "a"]);
    });

    it("knows when those that are gone expired, of so many", () => {
      assert.equal(store.snapshots.expiryOf("a"), undefined);
      for (let each = 0; each <= expiriesKept; each += 1)
        store.snapshots.noteExpiry(`${each}`, new Date(9_000 - each));
      store.snapshots.noteExpiry("0", new Date(9_000));
      assert.deepEqual(store.snapshots.expiryOf("0"), new Date(9_000));
      assert.deepEqual(store.snapshots.expiryOf(`${expiriesKept - 1}`), new Date(9_001 - expiriesKept));
      assert.equal(store.snapshots.expiryOf(`${expiriesKept}`), undefined);
    });

    it("replaces one, and forgets one", () => {
      store.snapshots.updateSnapshot(snapshot("a", { state: "DELETING", expiresAt: undefined }));
      assert.deepEqual(store.snapshots.getSnapshot("a")?.state, "DELETING");
      assert.equal(store.snapshots.getSnapshot("a")?.expiresAt, undefined);
      for (let twice = 0; twice < 2; twice += 1) store.snapshots.deleteSnapshot("a");
      assert.equal(store.snapshots.getSnapshot("a"), undefined);
      const change = () => store.snapshots.updateSnapshot(snapshot("a"));
      assert.throws(change, refused("not_found", "snapshot not found"));
    });
  });
}
