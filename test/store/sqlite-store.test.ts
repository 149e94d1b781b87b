import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, beforeEach, describe, it } from "node:test";
import { DatabaseSync } from "@photostructure/sqlite";
import type { SessionFilter, Store } from "../../src/engine/core/ports/store.js";
import { listQuery } from "../../src/engine/store/list-query.js";
import { migrations } from "../../src/engine/store/schema.js";
import type { SqlValues } from "../../src/engine/store/sqlite-database.js";
import { openSqliteStore } from "../../src/engine/store/sqlite-store.js";
import { refused } from "../core/refused.js";
import { artifactStoreContract } from "./artifact-store-contract.js";
import { executionStoreContract } from "./execution-store-contract.js";
import { everything, sessionRecord } from "./records.js";
import { previewStoreContract } from "./preview-store-contract.js";
import { snapshotStoreContract } from "./snapshot-store-contract.js";
import { storeContract } from "./store-contract.js";
import { volumeStoreContract } from "./volume-store-contract.js";

const directory = mkdtempSync(join(tmpdir(), "tenki-store-"));
after(() => rmSync(directory, { recursive: true }));
let files = 0;
const newPath = () => join(directory, `${(files += 1)}.db`);

storeContract("the SQLite store", () => openSqliteStore(newPath()));
executionStoreContract("the SQLite store", () => openSqliteStore(newPath()));
artifactStoreContract("the SQLite store", () => openSqliteStore(newPath()));
previewStoreContract("the SQLite store", () => openSqliteStore(newPath()));
snapshotStoreContract("the SQLite store", () => openSqliteStore(newPath()));
volumeStoreContract("the SQLite store", () => openSqliteStore(newPath()));

describe("the SQLite store", () => {
  let path: string;
  let store: Store;
  beforeEach(() => {
    path = newPath();
    store = openSqliteStore(path);
  });
  afterEach(() => store.close());

  const reopen = () => {
    store.close();
    store = openSqliteStore(path);
  };
  const sql = (statement: string, values: SqlValues = {}) => {
    const database = new DatabaseSync(path);
    try {
      return database.prepare(statement).all(values) as Record<string, unknown>[];
    } finally {
      database.close();
    }
  };

  it("has everything again when it is opened again", () => {
    const record = sessionRecord("a", { readyAt: new Date(7), tags: ["x"], diskHandle: "disk-1" });
    store.insertSession(record);
    store.insertSession(sessionRecord("b"));
    store.updateSession(sessionRecord("b", { state: "TERMINATED", terminalError: "why" }));
    store.setSetting("key", "value");
    reopen();
    assert.deepEqual(store.getSession("a"), record);
    assert.equal(store.getSession("b")?.terminalError, "why");
    assert.deepEqual(
      store.liveSessions().map(({ id }) => id),
      ["a"],
    );
    assert.equal(store.getSetting("key"), "value");
  });

  it("has what was acknowledged where its process was killed", () => {
    store.insertSession(sessionRecord("a"));
    // What a killed process leaves: the files as they are, never closed.
    const copy = newPath();
    for (const suffix of ["", "-wal"]) writeFileSync(`${copy}${suffix}`, readFileSync(`${path}${suffix}`));
    const after = openSqliteStore(copy);
    assert.equal(after.getSession("a")?.id, "a");
    after.close();
  });

  it("is readable for its owner only, with the files beside it", () => {
    store.insertSession(sessionRecord("a"));
    for (const file of [path, `${path}-wal`, `${path}-shm`]) {
      assert.ok(existsSync(file), file);
      assert.equal((statSync(file).mode & 0o777).toString(8), "600", file);
    }
  });

  it("closes a file that others could read", () => {
    chmodSync(path, 0o644);
    reopen();
    assert.equal((statSync(path).mode & 0o777).toString(8), "600");
  });

  it("leaves a record of a newer version alone", () => {
    store.insertSession(sessionRecord("a"));
    sql("PRAGMA user_version = 99");
    store.close();
    const before = readFileSync(path);
    assert.throws(() => openSqliteStore(path), refused("failed_precondition", "written by a newer tenki"));
    assert.deepEqual(readFileSync(path), before);
    sql(`PRAGMA user_version = ${migrations.length}`);
    store = openSqliteStore(path);
    assert.equal(store.getSession("a")?.id, "a");
  });

  it("says that a file is no database, and leaves it as it is", () => {
    const other = newPath();
    const content = "this was never a database\n".repeat(100);
    writeFileSync(other, content);
    assert.throws(() => openSqliteStore(other), refused("data_loss", `${other} is damaged`));
    assert.equal(readFileSync(other, "utf8"), content);
  });

  it("says which file it cannot open", () => {
    const missing = join(directory, "nowhere", "x.db");
    assert.throws(() => openSqliteStore(missing), refused("internal", `cannot use ${missing}`));
  });

  it("finds a page by its index, however many records there are", () => {
    const plan = (filter: Partial<SessionFilter>, inTheMiddle: boolean) => {
      const page = { size: 50, after: inTheMiddle ? { createdAtMs: 5, id: "a" } : undefined };
      const query = listQuery({ ...everything, ...filter }, page);
      return sql(`EXPLAIN QUERY PLAN ${query.sql}`, query.values).map(({ detail }) => String(detail));
    };
    for (const inTheMiddle of [false, true]) {
      for (const filter of [
        {},
        { ownerId: "o", workspaceId: "w" },
        { tags: ["x"] },
        { states: ["RUNNING" as const] },
      ]) {
        const all = plan({ ...filter, includeTerminated: true }, inTheMiddle).join("\n");
        const live = plan({ ...filter, includeTerminated: false }, inTheMiddle).join("\n");
        assert.match(all, /sessions USING INDEX sessions_by_age/);
        assert.match(live, /sessions USING INDEX sessions_live/);
        assert.doesNotMatch(`${all}\n${live}`, /TEMP B-TREE FOR (LAST TERM OF )?ORDER BY/);
        if (inTheMiddle) assert.match(`${all}\n${live}`, /SEARCH sessions[^\n]*created_ms/);
      }
    }
  });

  it("looks through the living by their index", () => {
    const plan = sql(
      "EXPLAIN QUERY PLAN SELECT record FROM sessions WHERE state <> 'TERMINATED' ORDER BY created_ms DESC, id DESC",
    );
    assert.match(String(plan[0]?.["detail"]), /USING INDEX sessions_live/);
  });
});
