export interface SshKeyPair {
  /** In OpenSSH's own format, without a passphrase. */
  readonly privateKey: string;
  /** Type and key, without a comment. */
  readonly publicKey: string;
}

/** Who signs, and whom else to trust for a while. */
export interface SshAuthority {
  readonly publicKey: string;
  /** Those that were replaced; some may be over by now. */
  readonly former: readonly { readonly publicKey: string; readonly trustedUntil: Date }[];
}

export interface SshCertificate {
  /** Type and key, without a comment. */
  readonly publicKey: string;
  readonly keyId: string;
  /** A number below 2^63, in decimal. */
  readonly serial: string;
  readonly principals: readonly string[];
  /** In whole seconds. */
  readonly validFrom: Date;
  readonly validUntil: Date;
  /** By OpenSSH's names; no other is in the certificate. */
  readonly extensions: readonly string[];
}

/** Makes OpenSSH's keys, and signs with that of an authority, which it keeps to itself. */
export interface SshKeys {
  makePair(): Promise<SshKeyPair>;
  /** Made when it is first asked for. */
  authority(): Promise<SshAuthority>;
  /** Replaces it; the one before can sign no more, and is trusted until then. */
  replaceAuthority(trustFormerUntil: Date): Promise<SshAuthority>;
  /** As one line. `invalid_argument` for what is no key. */
  sign(certificate: SshCertificate): Promise<string>;
}
