import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { CommandOutput } from "../../src/domain/command.js";
import type { OutputLog, OutputReader } from "../../src/engine/core/ports/output-logs.js";
import { DiskOutputLogs } from "../../src/engine/outputs/disk-output-logs.js";
import { refused } from "../core/refused.js";

const out = (text: string): CommandOutput => ({ kind: "stdout", data: Buffer.from(text) });
const err = (text: string): CommandOutput => ({ kind: "stderr", data: Buffer.from(text) });

describe("output on disk", () => {
  let dataDir: string;
  let logs: DiskOutputLogs;
  let log: OutputLog;
  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), "tenki-outputs-"));
    logs = new DiskOutputLogs(dataDir, { segmentBytes: 100, segments: 3 });
    log = await logs.open("session", "a");
  });
  afterEach(async () => {
    await log.close();
    rmSync(dataDir, { recursive: true });
  });

  const directory = () => join(dataDir, "executions", "session", "a");
  const files = () => readdirSync(directory()).sort();
  const newestFile = () => join(directory(), files().at(-1) ?? "");
  const appendAll = async (pieces: readonly CommandOutput[]) => {
    for (const piece of pieces) await log.append(piece);
  };
  /** What there is from there on, as `1:` and `2:` with the text, neighbours of one kind put together. */
  const readAll = async (from: number, reader = log.read(from)) => {
    let text = "";
    let kind = "";
    for (let piece = await reader.next(); piece !== undefined; piece = await reader.next()) {
      if (piece.kind !== kind) text += piece.kind === "stdout" ? "1:" : "2:";
      kind = piece.kind;
      text += Buffer.from(piece.data).toString();
    }
    await reader.close();
    return text;
  };
  const reopen = async () => {
    await log.close();
    log = await logs.open("session", "a");
  };

  it("gives back both streams in their order, from any byte on", async () => {
    await appendAll([out("one"), out("two"), err("three"), out("four")]);
    assert.deepEqual([log.keptFrom, log.end], [0, 15]);
    assert.equal(await readAll(0), "1:onetwo2:three1:four");
    assert.equal(await readAll(4), "1:wo2:three1:four");
    assert.equal(await readAll(6), "2:three1:four");
    assert.equal(await readAll(14), "1:r");
    assert.equal(await readAll(15), "");
  });

  it("lets a reader go on where there was nothing more", async () => {
    const reader = log.read(0);
    assert.equal(await reader.next(), undefined);
    await log.append(out("one"));
    assert.equal(String((await reader.next())?.data), "one");
    assert.equal(await reader.next(), undefined);
    for (let count = 0; count < 12; count += 1) {
      await log.append(err("0123456789"));
      assert.equal(String((await reader.next())?.data), "0123456789", "over the end of a file, too");
    }
    await reader.close();
  });

  it("passes on whatever bytes there are, in pieces of a bounded size", async () => {
    const data = Buffer.alloc(300_000, 0).map((_, at) => at % 251);
    await log.append({ kind: "stdout", data });
    const reader = log.read(1_000);
    const pieces: Uint8Array[] = [];
    for (let piece = await reader.next(); piece !== undefined; piece = await reader.next())
      pieces.push(piece.data);
    await reader.close();
    assert.ok(Buffer.concat(pieces).equals(data.subarray(1_000)));
    assert.ok(pieces.every(({ length }) => length <= 64 << 10));
  });

  it("keeps the newest, and says from where on", async () => {
    for (let count = 10; count < 50; count += 1) await log.append(out(`<${count}>${"x".repeat(16)}`));
    assert.equal(log.end, 800);
    assert.equal(files().length, 3);
    assert.ok(log.keptFrom > 500 && log.keptFrom < 800, `kept from ${log.keptFrom}`);
    const kept = await readAll(log.keptFrom);
    assert.equal(kept.length - "1:".length, log.end - log.keptFrom);
    assert.ok(kept.endsWith(`<49>${"x".repeat(16)}`));
  });

  it("tells a reader that fell behind what is dropped that it did", async () => {
    await log.append(out("first"));
    const behind = log.read(0);
    assert.equal(String((await behind.next())?.data), "first");
    for (let count = 0; count < 20; count += 1) await log.append(out("x".repeat(60)));
    const goOn = async () => {
      while ((await behind.next()) !== undefined);
    };
    await assert.rejects(goOn(), refused("data_loss", "not kept any more"));
    await assert.rejects(log.read(0).next(), refused("data_loss", "not kept any more"));
    await behind.close();
  });

  it("is the same when it is opened again", async () => {
    for (let count = 10; count < 50; count += 1) await log.append(out(`<${count}>${"x".repeat(16)}`));
    const before = [log.keptFrom, log.end, await readAll(log.keptFrom)];
    await reopen();
    assert.deepEqual([log.keptFrom, log.end, await readAll(log.keptFrom)], before);
    await log.append(err("on"));
    assert.ok((await readAll(log.end - 4)).endsWith("2:on"));
  });

  it("cuts off what a crash tore, wherever it did", async () => {
    await appendAll([out("whole"), err("torn")]);
    const size = statSync(newestFile()).size;
    for (let lost = 1; lost < 9; lost += 1) {
      truncateSync(newestFile(), size - lost);
      await reopen();
      assert.deepEqual([log.end, await readAll(0)], [5, "1:whole"], `${lost} bytes lost`);
    }
    await log.append(err("again"));
    assert.equal(await readAll(0), "1:whole2:again");
    await reopen();
    assert.equal(await readAll(0), "1:whole2:again");
  });

  it("takes nothing for output that is none", async () => {
    await log.append(out("whole"));
    appendFileSync(newestFile(), Buffer.alloc(4_096));
    writeFileSync(join(directory(), "something else"), "x");
    await reopen();
    assert.equal(await readAll(0), "1:whole");
  });

  it("is its owner's only", async () => {
    await log.append(out("secret"));
    const modes = [newestFile(), directory(), join(dataDir, "executions")].map(
      (path) => statSync(path).mode & 0o777,
    );
    assert.deepEqual(modes, [0o600, 0o700, 0o700]);
  });

  it("says so where it cannot write, and goes on where it was when it can again", async () => {
    await log.append(out("one"));
    await reopen();
    rmSync(newestFile());
    rmSync(directory(), { recursive: true });
    writeFileSync(directory(), "in the way");
    await assert.rejects(log.append(out("two")), refused("internal", "cannot keep output"));
    assert.equal(log.end, 3);
    rmSync(directory());
    await reopen();
    await log.append(out("two"));
    assert.equal(await readAll(0), "1:two");
  });

  it("removes one, and whatever belongs to nothing", async () => {
    const others: OutputReader[] = [];
    for (const id of ["b", "c"]) {
      const other = await logs.open("other", id);
      await other.append(out(id));
      await other.close();
      others.push(other.read(0));
    }
    await log.append(out("a"));
    await logs.sweep(new Set(["a", "c"]));
    assert.deepEqual(readdirSync(join(dataDir, "executions", "other")), ["c"]);
    await logs.remove("other", "c");
    await logs.remove("other", "c");
    assert.deepEqual(readdirSync(join(dataDir, "executions")), ["session"]);
    assert.equal(await readAll(0), "1:a");
  });
});
