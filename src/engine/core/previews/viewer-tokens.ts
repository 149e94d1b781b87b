import { createHmac, randomBytes } from "node:crypto";
import { isSameText } from "../../../lib/same-text.js";
import { keptKey } from "../access/kept-key.js";
import type { Clock } from "../ports/clock.js";
import type { Store } from "../ports/store.js";

export interface ViewerGrant {
  readonly previewId: string;
  readonly expiresAt: Date;
}

const keySetting = "viewer_key";
const pattern = /^tv_([0-9a-f-]{36})\.(\d{1,12})\.([\w-]{16})\.([\w-]{43})$/;

/** Tokens that open one preview for a while; each viewer has one of its own. Checked without a record. */
export class ViewerTokens {
  readonly #key: Buffer;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    this.#key = keptKey(store, keySetting);
    this.#clock = clock;
  }

  issue(previewId: string, expiresAt: Date): string {
    const claim = `${previewId}.${Math.floor(expiresAt.getTime() / 1_000)}.${randomBytes(12).toString("base64url")}`;
    return `tv_${claim}.${this.#signature(claim)}`;
  }

  /** Undefined where it was not issued here, or is over. */
  read(token: string): ViewerGrant | undefined {
    const [, previewId = "", seconds = "", nonce = "", signature = ""] = pattern.exec(token) ?? [];
    if (!isSameText(signature, this.#signature(`${previewId}.${seconds}.${nonce}`))) return undefined;
    const expiresAt = new Date(Number(seconds) * 1_000);
    return expiresAt > this.#clock.now() ? { previewId, expiresAt } : undefined;
  }

  #signature(claim: string): string {
    return createHmac("sha256", this.#key).update(`viewer ${claim}`).digest("base64url");
  }
}
