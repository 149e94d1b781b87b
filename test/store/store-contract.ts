import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type {
  SessionCursor,
  SessionFilter,
  SessionRecord,
  Store,
} from "../../src/engine/core/ports/store.js";
import { refused } from "../core/refused.js";
import { everything, sessionRecord } from "./records.js";

/** What every store keeps to. */
export function storeContract(name: string, open: () => Store): void {
  describe(`${name}: what every store keeps to`, () => {
    let store: Store;
    beforeEach(() => void (store = open()));
    afterEach(() => store.close());

    const insert = (id: string, changes: Partial<SessionRecord> = {}) => {
      store.insertSession(sessionRecord(id, changes));
    };
    const ids = (filter: Partial<SessionFilter>) =>
      store.listSessions({ ...everything, ...filter }, { size: 100 }).sessions.map(({ id }) => id);

    it("gives back what was inserted, whole", () => {
      const record = sessionRecord("a", {
        readyAt: new Date(1_900_000_000_001),
        timeoutAt: new Date(1_900_000_000_002),
        lastActivityAt: new Date(1_900_000_000_003),
        tags: ["x", "y"],
        metadata: { createdAt: "not a date", ключ: "Ω", __proto__x: "1" },
        env: { SECRET: "line\nline" },
        sshAuthorizedKeys: ["ssh-ed25519 AAAA"],
        idleTimeoutMinutes: 0,
        networkHandle: "net-1",
        diskHandle: "disk-1",
        terminalError: `"quoted"`,
      });
      store.insertSession(record);
      assert.deepEqual(store.getSession("a"), record);
    });

    it("has nothing under an id that it does not know", () => {
      assert.equal(store.getSession("a"), undefined);
      assert.throws(
        () => store.updateSession(sessionRecord("a")),
        refused("not_found", "session not found: a"),
      );
    });

    it("refuses an id that is taken, and keeps what is there", () => {
      insert("a", { name: "first" });
      assert.throws(() => insert("a", { name: "second" }), refused("already_exists", "a"));
      assert.equal(store.getSession("a")?.name, "first");
    });

    it("replaces a record as a whole", () => {
      insert("a", { networkHandle: "net-1", tags: ["x"], timeoutAt: new Date(1) });
      store.updateSession(sessionRecord("a", { state: "TERMINATED", networkHandle: undefined }));
      const record = store.getSession("a");
      assert.equal(record?.state, "TERMINATED");
      assert.equal(record.networkHandle, undefined);
      assert.equal(record.timeoutAt, undefined);
      assert.deepEqual(ids({ tags: ["x"] }), []);
    });

    it("lists newest first, and by id where two are of one moment", () => {
      insert("b", { createdAt: new Date(5) });
      insert("c", { createdAt: new Date(5) });
      insert("a", { createdAt: new Date(9) });
      assert.deepEqual(ids({}), ["a", "c", "b"]);
    });

    it("filters by owner, workspace and project", () => {
      insert("a", { ownerId: "me" });
      insert("b", { workspaceId: "here" });
      insert("c", { projectId: "this" });
      assert.deepEqual(ids({ ownerId: "me" }), ["a"]);
      assert.deepEqual(ids({ workspaceId: "here" }), ["b"]);
      assert.deepEqual(ids({ projectId: "this" }), ["c"]);
      assert.deepEqual(ids({ ownerId: "me", workspaceId: "here" }), []);
    });

    it("filters by tags, all of which have to be there", () => {
      insert("a", { tags: ["x", "y"] });
      insert("b", { tags: ["x"] });
      insert("c", { tags: ["xy"] });
      assert.deepEqual(ids({ tags: ["x"] }), ["b", "a"]);
      assert.deepEqual(ids({ tags: ["y", "x"] }), ["a"]);
      assert.deepEqual(ids({ tags: ["x", "z"] }), []);
    });

    it("filters by stickiness, either way", () => {
      insert("a", { sticky: true });
      insert("b", { sticky: false });
      assert.deepEqual(ids({ sticky: true }), ["a"]);
      assert.deepEqual(ids({ sticky: false }), ["b"]);
      assert.deepEqual(ids({}), ["b", "a"]);
    });

    it("leaves out the terminated, unless they are asked for, by flag or by state", () => {
      insert("a", { state: "TERMINATED" });
      insert("b", { state: "RUNNING" });
      insert("c", { state: "TERMINATING" });
      assert.deepEqual(ids({ includeTerminated: false }), ["c", "b"]);
      assert.deepEqual(ids({ includeTerminated: true }), ["c", "b", "a"]);
      assert.deepEqual(ids({ includeTerminated: false, states: ["TERMINATED"] }), ["a"]);
      assert.deepEqual(ids({ includeTerminated: false, states: ["RUNNING", "TERMINATING"] }), ["c", "b"]);
      assert.deepEqual(ids({ includeTerminated: true, states: ["RUNNING"] }), ["b"]);
    });

    it("pages through all of them, without gap or repeat, while others are inserted", () => {
      for (let n = 0; n < 250; n += 1) insert(`old-${n}`, { createdAt: new Date(1_000 + Math.floor(n / 7)) });
      const seen: string[] = [];
      let after: SessionCursor | undefined;
      for (let page = 0; page === 0 || after !== undefined; page += 1) {
        const { sessions, next } = store.listSessions(everything, { size: 30, after });
        seen.push(...sessions.map(({ id }) => id));
        insert(`new-${page}`, { createdAt: new Date(5_000 + page) });
        after = next;
      }
      assert.equal(seen.length, 250);
      assert.equal(new Set(seen).size, 250);
      assert.ok(seen.every((id) => id.startsWith("old-")));
    });

    it("says that there is no next page where the last one is just full", () => {
      for (const id of ["a", "b"]) insert(id);
      assert.equal(store.listSessions(everything, { size: 2 }).next, undefined);
      assert.equal(store.listSessions(everything, { size: 3 }).next, undefined);
      assert.deepEqual(store.listSessions(everything, { size: 1 }).next, {
        createdAtMs: sessionRecord("b").createdAt.getTime(),
        id: "b",
      });
    });

    it("counts as live whatever is not TERMINATED, whoever owns it", () => {
      insert("a", { state: "TERMINATED" });
      insert("b", { state: "TERMINATING", ownerId: "somebody" });
      insert("c", { state: "PAUSED", workspaceId: "elsewhere" });
      assert.deepEqual(
        store.liveSessions().map(({ id }) => id),
        ["c", "b"],
      );
    });

    it("keeps settings", () => {
      assert.equal(store.getSetting("key"), undefined);
      store.setSetting("key", "one");
      store.setSetting("key", "two");
      store.setSetting("other", "");
      assert.equal(store.getSetting("key"), "two");
      assert.equal(store.getSetting("other"), "");
    });
  });
}
