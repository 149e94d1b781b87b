import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { FileLogger } from "../../src/lib/file-logger.js";

describe("the log file", () => {
  let directory: string;
  before(() => void (directory = mkdtempSync(join(tmpdir(), "tenki-log-"))));
  after(() => rmSync(directory, { recursive: true }));
  const linesOf = (path: string) =>
    readFileSync(path, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it("has one JSON object a line, from the level on, for its owner only", () => {
    const path = join(directory, "a.log");
    const log = new FileLogger({ path });
    log.debug("left out");
    log.info("first", { code: "ok", ms: 3, session: undefined });
    log.error('second "quoted"\nline');
    log.close();
    log.info("after the end");
    const [first, second, ...rest] = linesOf(path);
    assert.deepEqual(
      { ...first, time: "" },
      { time: "", level: "info", message: "first", code: "ok", ms: 3 },
    );
    assert.ok(!Number.isNaN(Date.parse(String(first?.["time"]))));
    assert.deepEqual([second?.["level"], second?.["message"]], ["error", 'second "quoted"\nline']);
    assert.deepEqual(rest, []);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it("goes on where an earlier one ended", () => {
    const path = join(directory, "b.log");
    for (const message of ["one", "two"]) {
      const log = new FileLogger({ path });
      log.info(message);
      log.close();
    }
    assert.deepEqual(
      linesOf(path).map(({ message }) => message),
      ["one", "two"],
    );
  });

  it("is put aside when it has grown, and the oldest are given up", () => {
    const path = join(directory, "c.log");
    const log = new FileLogger({ path, maxBytes: 1_000, kept: 2 });
    for (let count = 0; count < 100; count += 1) log.info("a line", { count });
    log.close();
    const files = readdirSync(directory).filter((name) => name.startsWith("c.log"));
    assert.deepEqual(files.toSorted(), ["c.log", "c.log.1", "c.log.2"]);
    for (const name of files) assert.ok(statSync(join(directory, name)).size < 1_100, name);
    const counts = ["c.log.2", "c.log.1", "c.log"].flatMap((name) =>
      linesOf(join(directory, name)).map(({ count }) => Number(count)),
    );
    assert.equal(counts.at(-1), 99);
    assert.deepEqual(
      counts,
      counts.map((_, at) => 100 - counts.length + at),
      "no line is lost in between",
    );
  });

  it("that cannot be written to does no harm", () => {
    if (!existsSync("/dev/full")) return;
    const log = new FileLogger({ path: "/dev/full" });
    log.info("nobody hears it");
    log.close();
  });
});
