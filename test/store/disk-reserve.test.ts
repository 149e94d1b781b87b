import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { SqliteDatabase } from "../../src/engine/store/sqlite-database.js";
import { runProcess } from "../../src/lib/process.js";

describe("a record on a disk that others fill", () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "tenki-reserve-"));
    await runProcess(["mount", "-t", "tmpfs", "-o", "size=100m", "reserve", directory]);
  });
  after(async () => {
    await runProcess(["umount", "--lazy", directory]); // SQLite lets go of its files when its statements are collected
    await rm(directory, { recursive: true });
  });

  const fill = () => {
    try {
      writeFileSync(join(directory, "filling"), Buffer.alloc(200 << 20));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
    }
  };

  it("takes what is kept for it, and says that the disk is full only when that is used up", () => {
    const path = join(directory, "record.db");
    const reserve = `${path}-reserve`;
    const database = SqliteDatabase.open(path);
    database.run("CREATE TABLE notes (text TEXT)", {});
    assert.ok(existsSync(reserve));
    fill();
    const write = (bytes: number) =>
      database.run("INSERT INTO notes VALUES (:text)", { text: "x".repeat(bytes) });
    assert.equal(write(1 << 20), 1);
    assert.ok(!existsSync(reserve));
    assert.throws(() => write(16 << 20), {
      kind: "resource_exhausted",
      message: `no space left to write ${path}`,
    });
    database.close();
  });

  it("keeps it anew once there is room", async () => {
    await rm(join(directory, "filling"));
    const path = join(directory, "record.db");
    SqliteDatabase.open(path).close();
    assert.ok(existsSync(`${path}-reserve`));
  });
});
