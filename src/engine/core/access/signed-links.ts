import { createHmac } from "node:crypto";
import { TenkiError } from "../../../domain/error.js";
import { isSameText } from "../../../lib/same-text.js";
import { keptKey } from "./kept-key.js";
import type { Clock } from "../ports/clock.js";
import type { Store } from "../ports/store.js";

export interface LinkSignature {
  /** Seconds since 1970, as it stands in the link. */
  readonly expires: string;
  readonly signature: string;
}

export interface IssuedSignature extends LinkSignature {
  readonly expiresAt: Date;
}

/** Long enough to begin with; a transfer that has begun goes on. */
const lifetimeSeconds = 15 * 60;
const keySetting = "link_key";

/** Links that whoever has them may use, each for one thing and a short time; checked without a record. */
export class SignedLinks {
  readonly #key: Buffer;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    this.#key = keptKey(store, keySetting);
    this.#clock = clock;
  }

  /** `claim`: all that the link is good for. */
  sign(claim: string): IssuedSignature {
    const seconds = Math.floor(this.#clock.now().getTime() / 1_000) + lifetimeSeconds;
    const expires = String(seconds);
    return { expires, signature: this.#signature(claim, expires), expiresAt: new Date(seconds * 1_000) };
  }

  /** Refuses what was not signed here, or is over. */
  check(claim: string, { expires, signature }: LinkSignature): void {
    if (!isSameText(signature, this.#signature(claim, expires))) {
      throw new TenkiError("permission_denied", "the link is not valid");
    }
    if (this.#clock.now().getTime() >= Number(expires) * 1_000) {
      throw new TenkiError("permission_denied", "the link has expired");
    }
  }

  #signature(claim: string, expires: string): string {
    return createHmac("sha256", this.#key).update(`${claim}\n${expires}`).digest("base64url");
  }
}
