import { TenkiError } from "../domain/error.js";
import { laneSocketHeader } from "../domain/run-lane.js";
import type { SSHCertPermissions as WirePermissions } from "../gen/tenki/sandbox/v1/ssh_gateway_client_pb.js";
import { millisFromWire, millisToWire, dateFromWire } from "./convert/time.js";
import { SSHUnavailableError } from "./errors.js";
import { readLaneSocket } from "./lane-socket.js";
import type { Rpc } from "./rpc.js";

export interface SSHCertPermissions {
  readonly allowPty: boolean;
  readonly allowAgentForwarding: boolean;
  readonly allowPortForwardingLocal: boolean;
  readonly allowPortForwardingRemote: boolean;
  readonly allowX11Forwarding: boolean;
}

/** A certificate that opens one session's SSH server for a while, for the holder of one key. */
export interface SSHCert {
  /** As OpenSSH reads it from `<key>-cert.pub`. */
  readonly sshCert: string;
  /** The authority's public key, for a known_hosts file. */
  readonly caPub: string;
  readonly certSerial: string;
  readonly expiresAt?: Date | undefined;
  /** When to ask for another, counted from now. */
  readonly renewalAfterMs?: number | undefined;
  readonly permissions?: SSHCertPermissions | undefined;
}

export interface IssueSSHCertOptions {
  /** Default: the service's, ten minutes. */
  readonly ttlMs?: number | undefined;
  /** Addresses and networks that may use it. Default: all. */
  readonly sourceAddresses?: readonly string[] | undefined;
}

/** Where SSH bytes go. */
export interface SSHWay {
  /** The gateway that was named, one that the service names, or the API's own host. */
  readonly gateway: string;
  /** A unix socket of the engine's, where it has one and nobody named a gateway. */
  readonly laneSocket?: string | undefined;
}

export async function findSshGateway(rpc: Rpc, signal?: AbortSignal): Promise<string> {
  return (await findSshWay(rpc, signal)).gateway;
}

export async function findSshWay(rpc: Rpc, signal?: AbortSignal): Promise<SSHWay> {
  const { gateway, endpoint } = rpc.settings;
  if (gateway !== undefined) return { gateway };
  const found = await discoverGateway(rpc, signal);
  return found ?? { gateway: endpoint };
}

/** Has the service sign an OpenSSH public key for a session. */
export async function issueSshCert(
  rpc: Rpc,
  sessionId: string,
  publicKey: string,
  { ttlMs, sourceAddresses = [] }: IssueSSHCertOptions = {},
): Promise<SSHCert> {
  const request = {
    ...{ sessionId, publicKey: publicKey.trim(), requestedTtl: millisToWire(ttlMs) },
    sourceAddresses: [...sourceAddresses],
  };
  const answer = await rpc.ssh("issueSandboxSSHCert", request);
  return {
    sshCert: answer.sshCert,
    caPub: answer.caPub,
    certSerial: answer.certSerial,
    expiresAt: dateFromWire(answer.expiresAt),
    renewalAfterMs: millisFromWire(answer.renewalAfter),
    permissions: permissionsFromWire(answer.permissions),
  };
}

function permissionsFromWire(wire: WirePermissions | undefined): SSHCertPermissions | undefined {
  if (wire === undefined) return undefined;
  const { $typeName: _, ...permissions } = wire;
  return permissions;
}

/** Undefined where the service names none, or does not know of gateways. */
async function discoverGateway(rpc: Rpc, signal: AbortSignal | undefined): Promise<SSHWay | undefined> {
  let laneSocket: string | undefined;
  const onHeader = (header: Headers) => (laneSocket = readLaneSocket(header.get(laneSocketHeader)));
  try {
    const { gateways } = await rpc.ssh("listActiveSSHGateways", {}, { signal, onHeader });
    const announced = gateways.filter(({ wsBridgeEndpoint }) => wsBridgeEndpoint.trim() !== "");
    const chosen = announced.find(({ healthy }) => healthy) ?? announced[0];
    return chosen && { gateway: chosen.wsBridgeEndpoint.trim(), laneSocket };
  } catch (error) {
    if (error instanceof TenkiError && error.kind === "unimplemented") return undefined;
    throw error;
  }
}

export const bridgePath = (sessionId: string): string => `/v1/ssh/${sessionId}`;

export function bridgeAt(gateway: string, sessionId: string): string {
  if (!URL.canParse(gateway)) {
    throw new SSHUnavailableError(
      "invalid_argument",
      `the SSH gateway "${gateway}" is no ws:// or wss:// address`,
    );
  }
  const url = new URL(gateway);
  url.protocol = url.protocol.replace(/^http/, "ws");
  url.pathname = `${url.pathname.replace(/\/+$/, "")}${bridgePath(sessionId)}`;
  return url.toString();
}
