import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tryProcess } from "../../src/lib/process.js";

const bench = (...args: string[]) =>
  tryProcess([process.execPath, "dist/js/bench/main.js", "--quick", ...args], { timeoutMs: 120_000 });

describe("the bench", () => {
  it("measures the rows that have a word: one beside another program, and one by itself", async () => {
    const { exitCode, stdout, stderr } = await bench("--json", "tenki --version", "from a request");
    assert.equal(exitCode, 0, stderr);
    const { rows, notes } = JSON.parse(stdout) as { rows: Record<string, unknown>[]; notes: string[] };
    const [version, spawn] = rows;
    assert.deepEqual(
      rows.map(({ name }) => name),
      ["tenki --version", "the engine, from a request to the command's exec"],
    );
    assert.deepEqual(notes, []);
    assert.equal(version?.["budget"], 1.3);
    assert.ok(Number(version["ratio"]) > 0);
    assert.equal(version["holds"], Number(version["ratio"]) <= 1.3);
    assert.equal(spawn?.["unit"], "ms");
    assert.ok(Number(spawn["amount"]) > 0);
  });

  it("prints a table, with the budget's verdict", async () => {
    const { exitCode, stdout, stderr } = await bench("tenki --version");
    assert.equal(exitCode, 0, stderr);
    assert.match(stdout, /^WHAT +OURS +AGAINST +THEIRS +RATIO +AT MOST$/m);
    assert.match(stdout, /^tenki --version +[\d.]+ ms +node -e 0 +[\d.]+ ms +[\d.]+ +1\.3 (holds|MISSED)$/m);
  });

  it("says so where no row has the word", async () => {
    const { exitCode, stderr } = await bench("nothing of the kind");
    assert.equal(exitCode, 2);
    assert.match(stderr, /^error: no row has any of these words in its name: nothing of the kind$/m);
  });
});
