import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const directory = "test/e2e/golden";

/** Compares with a file that is kept; UPDATE_GOLDEN=1 writes it anew. */
export function assertGolden(name: string, text: string): void {
  const path = join(directory, name);
  if (process.env["UPDATE_GOLDEN"] === "1") {
    mkdirSync(directory, { recursive: true });
    writeFileSync(path, text);
  }
  assert.ok(existsSync(path), `there is no ${path}: UPDATE_GOLDEN=1 makes one`);
  assert.equal(text, readFileSync(path, "utf8"), `${path} differs: UPDATE_GOLDEN=1 writes it anew`);
}
