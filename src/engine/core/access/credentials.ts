import { createHmac } from "node:crypto";
import { TenkiError } from "../../../domain/error.js";
import { isSameText } from "../../../lib/same-text.js";
import { keptKey } from "./kept-key.js";
import type { Clock } from "../ports/clock.js";
import type { Store } from "../ports/store.js";

export interface IssuedCredential {
  readonly credential: string;
  readonly expiresAt: Date;
}

/** How long a data-plane credential is good for; clients renew it ahead of that. */
const lifetimeMs = 15 * 60_000;
const keySetting = "credential_key";
const form = "tsc1";

/** Data-plane credentials: each is good for one session and a short time, and can be checked without a record. */
export class Credentials {
  readonly #key: Buffer;
  readonly #clock: Clock;
  readonly #lifetimeMs: number;

  constructor(store: Store, clock: Clock, options: { readonly lifetimeMs?: number } = {}) {
    this.#key = keptKey(store, keySetting);
    this.#clock = clock;
    this.#lifetimeMs = options.lifetimeMs ?? lifetimeMs;
  }

  issue(sessionId: string): IssuedCredential {
    const expiresAt = new Date(this.#clock.now().getTime() + this.#lifetimeMs);
    const claim = `${sessionId}.${expiresAt.getTime()}`;
    return { credential: `${form}.${claim}.${this.#sign(claim)}`, expiresAt };
  }

  /** The session that a credential is good for; a broken or expired one is `unauthenticated`. */
  verify(credential: string): string {
    const [, sessionId = "", expiresAt = ""] = credential.split(".");
    const claim = `${sessionId}.${expiresAt}`;
    // As text and as a whole: base64 has several spellings of the same bytes, and only one was issued.
    const genuine = isSameText(credential, `${form}.${claim}.${this.#sign(claim)}`);
    if (!genuine) throw new TenkiError("unauthenticated", "the session credential is not valid");
    if (this.#clock.now().getTime() >= Number(expiresAt)) {
      throw new TenkiError("unauthenticated", "the session credential has expired");
    }
    return sessionId;
  }

  #sign(claim: string): string {
    return createHmac("sha256", this.#key).update(claim).digest("base64url");
  }
}
