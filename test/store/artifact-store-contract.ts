import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { ArtifactRecord, ArtifactStore } from "../../src/engine/core/ports/artifact-store.js";
import type { Store } from "../../src/engine/core/ports/store.js";
import { sessionRecord } from "./records.js";

const artifact = (id: string, sessionId: string): ArtifactRecord => ({
  id,
  sessionId,
  source: { kind: "file", path: "/home/tenki/Ω" },
  contentType: "text/plain",
  createdAt: new Date(1_900_000_000_001),
});

/** What every record of artifacts keeps to. */
export function artifactStoreContract(
  name: string,
  open: () => Store & { readonly artifacts: ArtifactStore },
): void {
  describe(`${name}: artifacts`, () => {
    let store: ReturnType<typeof open>;
    beforeEach(() => {
      store = open();
      for (const id of ["one", "two"]) store.insertSession(sessionRecord(id, { state: "RUNNING" }));
      for (const id of ["a", "b"]) store.artifacts.insertArtifact(artifact(id, "one"));
      store.artifacts.insertArtifact(artifact("c", "two"));
    });
    afterEach(() => store.close());

    it("gives back what was inserted, whole, and nothing else", () => {
      assert.deepEqual(store.artifacts.getArtifact("a"), artifact("a", "one"));
      assert.equal(store.artifacts.getArtifact("d"), undefined);
    });

    it("counts a session's own", () => {
      assert.deepEqual(
        ["one", "two", "three"].map((id) => store.artifacts.countArtifacts(id)),
        [2, 1, 0],
      );
    });

    it("forgets a session's when it has ended, and not before", () => {
      store.updateSession(sessionRecord("one", { state: "TERMINATING" }));
      assert.equal(store.artifacts.countArtifacts("one"), 2);
      store.updateSession(sessionRecord("one", { state: "TERMINATED" }));
      assert.equal(store.artifacts.getArtifact("a"), undefined);
      assert.equal(store.artifacts.countArtifacts("two"), 1);
    });
  });
}
