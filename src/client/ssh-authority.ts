import { TenkiError } from "../domain/error.js";
import { dateFromWire } from "./convert/time.js";
import { CapabilityUnavailableError } from "./errors.js";
import type { Rpc } from "./rpc.js";

/** The authority that signs certificates, after it was changed. */
export interface SSHAuthority {
  readonly caPub: string;
  /** What the one before has signed is good until then. */
  readonly formerTrustedUntil?: Date | undefined;
}

/** By which a session's SSH server shows who it is, as in a known_hosts file without the name in front. */
export async function getSshHostKeys(rpc: Rpc, sessionId: string): Promise<string[]> {
  const { hostKeys } = await engineOnly(rpc, "tell the keys of SSH servers", () =>
    rpc.engineSsh("getSSHHostKeys", { sessionId }),
  );
  return hostKeys;
}

export async function rotateSshAuthority(rpc: Rpc): Promise<SSHAuthority> {
  const { caPub, trustedUntil } = await engineOnly(rpc, "let its SSH authority be changed", () =>
    rpc.engineSsh("rotateSSHAuthority", {}),
  );
  return { caPub, formerTrustedUntil: dateFromWire(trustedUntil) };
}

async function engineOnly<T>(rpc: Rpc, what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof TenkiError) || error.kind !== "unimplemented") throw error;
    throw new CapabilityUnavailableError(
      "unimplemented",
      `the service at ${rpc.settings.endpoint} does not ${what}`,
      { cause: error },
    );
  }
}
