import { randomBytes } from "node:crypto";
import type { Store } from "../ports/store.js";

/** A key to sign with, made once and kept in the record: what it signed is good over restarts. */
export function keptKey(store: Store, setting: string): Buffer {
  const kept = store.getSetting(setting);
  if (kept !== undefined) return Buffer.from(kept, "base64url");
  const key = randomBytes(32);
  store.setSetting(setting, key.toString("base64url"));
  return key;
}
