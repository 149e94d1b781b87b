import { randomBytes } from "node:crypto";
import { TenkiError } from "../../../domain/error.js";
import { isTerminal } from "../../../domain/session.js";
import type { Clock } from "../ports/clock.js";
import type { SshAuthority, SshKeys } from "../ports/ssh-keys.js";
import { wrongState } from "../sessions/session-states.js";
import type { Sessions } from "../sessions/sessions.js";
import { readPublicKey } from "./public-key.js";
import { principalsOf } from "./principals.js";
import { loginNames } from "./server-files.js";

export interface CertificateRequest {
  readonly sessionId: string;
  readonly publicKey: string;
  /** Default: 10 minutes. Cut to an hour. */
  readonly ttlMs?: number | undefined;
  /** Addresses and networks that it can be used from; none: from everywhere. */
  readonly sourceAddresses: readonly string[];
}

export interface IssuedCertificate {
  readonly certificate: string;
  readonly authority: string;
  readonly serial: string;
  readonly expiresAt: Date;
  readonly renewalAfterMs: number;
  readonly extensions: readonly string[];
}

export interface CertificatesOptions {
  readonly sessions: Sessions;
  readonly keys: SshKeys;
  readonly clock: Clock;
}

const ttlDefaultMs = 10 * 60_000;
const ttlMaxMs = 60 * 60_000;
const ttlMinMs = 1_000;
/** For a server whose clock is behind. */
const backdatedMs = 60_000;
const renewalShare = 2 / 3;

/** What sshd lets the holder of a certificate do. */
const extensions = [
  "permit-pty",
  "permit-agent-forwarding",
  "permit-port-forwarding",
  "permit-user-rc",
] as const;

/** Certificates, each good for one session and a short time, and the authority that signs them. */
export class Certificates {
  readonly #options: CertificatesOptions;

  constructor(options: CertificatesOptions) {
    this.#options = options;
  }

  async issue({ sessionId, sourceAddresses, ...request }: CertificateRequest): Promise<IssuedCertificate> {
    const { sessions, keys, clock } = this.#options;
    const { id, state } = sessions.get(sessionId);
    if (isTerminal(state)) throw new TenkiError("failed_precondition", wrongState(state));
    const publicKey = readPublicKey(request.publicKey);
    const principals = principalsOf(id, sourceAddresses);
    const seconds = Math.floor(clock.now().getTime() / 1_000) * 1_000;
    const ttlMs = Math.min(Math.max(request.ttlMs ?? ttlDefaultMs, ttlMinMs), ttlMaxMs);
    const expiresAt = new Date(seconds + Math.ceil(ttlMs / 1_000) * 1_000);
    const serial = randomSerial();
    const certificate = await keys.sign({
      publicKey,
      keyId: id,
      serial,
      principals: [...loginNames, ...principals],
      validFrom: new Date(seconds - backdatedMs),
      validUntil: expiresAt,
      extensions,
    });
    const { publicKey: authority } = await keys.authority();
    const renewalAfterMs = Math.floor((expiresAt.getTime() - seconds) * renewalShare);
    return { certificate, authority, serial, expiresAt, renewalAfterMs, extensions };
  }

  /** Those whose certificates are good now, the one that signs first. */
  async trusted(): Promise<readonly string[]> {
    const { keys, clock } = this.#options;
    const { publicKey, former } = await keys.authority();
    const now = clock.now();
    return [publicKey, ...former.filter((old) => old.trustedUntil > now).map((old) => old.publicKey)];
  }

  /** Signs with a new key from now on; the one before is trusted until nothing that it has signed is left. */
  rotate(): Promise<SshAuthority> {
    const { keys, clock } = this.#options;
    return keys.replaceAuthority(new Date(clock.now().getTime() + ttlMaxMs + backdatedMs));
  }
}

/** What fits into a signed 64-bit number everywhere. */
const randomSerial = (): string => (BigInt(`0x${randomBytes(8).toString("hex")}`) >> 1n).toString();
