import { createHash } from "node:crypto";
import { TenkiError } from "../../domain/error.js";
import type { SessionCursor } from "./ports/store.js";

/** A cursor as text that nobody should look into; `key` makes a foreign one recognisable. */
export function encodePageToken(cursor: SessionCursor, key: string): string {
  const place = `${cursor.createdAtMs}.${cursor.id}`;
  return Buffer.from(`${place}.${seal(place, key)}`).toString("base64url");
}

export function decodePageToken(token: string, key: string): SessionCursor {
  const [createdAtMs = "", id = "", mark] = Buffer.from(token, "base64url").toString("utf8").split(".");
  if (mark !== seal(`${createdAtMs}.${id}`, key)) {
    throw new TenkiError("invalid_argument", "page_token is not one of this service's");
  }
  return { createdAtMs: Number(createdAtMs), id };
}

const seal = (place: string, key: string): string =>
  createHash("sha256").update(`${key}.${place}`).digest("base64url").slice(0, 16);
