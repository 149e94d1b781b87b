import { dateFromWire } from "./convert/time.js";
import { ifOffered } from "./if-offered.js";
import type { Rpc } from "./rpc.js";

/** The authority that signs certificates, after it was changed. */
export interface SSHAuthority {
  readonly caPub: string;
  /** What the one before has signed is good until then. */
  readonly formerTrustedUntil?: Date | undefined;
}

/** By which a session's SSH server shows who it is, as in a known_hosts file without the name in front. */
export async function getSshHostKeys(rpc: Rpc, sessionId: string): Promise<string[]> {
  const { hostKeys } = await ifOffered(rpc, { says: "does not tell the keys of SSH servers" }, () =>
    rpc.engineSsh("getSSHHostKeys", { sessionId }),
  );
  return hostKeys;
}

export async function rotateSshAuthority(rpc: Rpc): Promise<SSHAuthority> {
  const { caPub, trustedUntil } = await ifOffered(
    rpc,
    { says: "does not let its SSH authority be changed" },
    () => rpc.engineSsh("rotateSSHAuthority", {}),
  );
  return { caPub, formerTrustedUntil: dateFromWire(trustedUntil) };
}
