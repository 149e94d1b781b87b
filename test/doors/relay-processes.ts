import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { waitUntil } from "../../src/lib/wait-until.js";

/** The processes that pass on bodies for this one. */
const relays = (): string[] =>
  readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const parent = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
      return (
        parent === String(process.pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").endsWith("\0body\0")
      );
    } catch {
      return false;
    }
  });
export const untilRelays = async (count: number) =>
  assert.ok(
    await waitUntil(() => (relays().length === count ? true : undefined), { timeoutMs: 10_000 }),
    `not ${count} relays`,
  );
