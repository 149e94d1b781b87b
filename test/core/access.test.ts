import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Access } from "../../src/engine/core/access/access.js";
import { MemoryStore } from "../../src/engine/store/memory-store.js";
import { refused } from "./refused.js";

describe("who may come in", () => {
  const store = new MemoryStore();
  const access = new Access(store, "tk_right");

  it("is who has the token", () => {
    access.checkToken("tk_right");
    assert.throws(() => access.checkToken(undefined), refused("unauthenticated", "no token was given"));
    for (const wrong of ["", "tk_righ", "tk_right ", "tk_wrong", "TK_RIGHT", "tk_right".repeat(1_000)]) {
      assert.throws(() => access.checkToken(wrong), refused("unauthenticated", "the token is not valid"));
    }
  });

  it("sees one workspace with one project", () => {
    assert.deepEqual(access.identity.workspaces, [
      { id: access.workspaceId, name: "local", projects: [{ id: access.projectId, name: "default" }] },
    ]);
    assert.equal(access.identity.ownerType, "USER");
    const ids = [access.workspaceId, access.projectId, access.identity.ownerId];
    for (const id of ids)
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(new Set(ids).size, 3);
  });

  it("is the same after a restart, and somebody else with another engine", () => {
    assert.deepEqual(new Access(store, "another token").identity, access.identity);
    assert.notDeepEqual(new Access(new MemoryStore(), "tk_right").identity, access.identity);
  });

  it("means its own by saying nothing", () => {
    for (const asked of [undefined, ""]) {
      assert.equal(access.resolveWorkspace(asked), access.workspaceId);
      assert.equal(access.resolveProject(asked), access.projectId);
      assert.equal(access.resolveOwner(asked), access.identity.ownerId);
    }
    assert.equal(access.resolveOwner("self"), access.identity.ownerId);
    assert.equal(access.resolveOwner(access.identity.ownerId), access.identity.ownerId);
  });

  it("has no business with what is another's", () => {
    assert.throws(
      () => access.resolveWorkspace(access.projectId),
      refused("permission_denied", "is not yours"),
    );
    assert.throws(
      () => access.resolveProject(access.workspaceId),
      refused("permission_denied", "is not yours"),
    );
    assert.throws(() => access.resolveOwner("root"), refused("permission_denied", "owner root"));
  });
});
