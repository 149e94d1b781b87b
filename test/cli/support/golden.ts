import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const directory = "test/cli/golden";

/** Compares with a file that is kept; UPDATE_GOLDEN=1 writes it anew. */
export function assertGolden(name: string, text: string): void {
  const path = join(directory, name);
  if (process.env["UPDATE_GOLDEN"] === "1") {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  assert.equal(text, readGolden(path), `${path} differs: UPDATE_GOLDEN=1 writes it anew`);
}

function readGolden(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return `(there is no ${path}: UPDATE_GOLDEN=1 makes one)`;
  }
}
