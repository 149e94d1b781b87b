import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { SSHService } from "../../gen/tenki/engine/v1/ssh_pb.js";
import type { SandboxService } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { SSHGatewayClientService } from "../../gen/tenki/sandbox/v1/ssh_gateway_client_pb.js";
import type { Clock } from "../core/ports/clock.js";
import type { Sessions } from "../core/sessions/sessions.js";
import type { Certificates } from "../core/ssh/certificates.js";
import type { SshServers } from "../core/ssh/ssh-servers.js";
import { durationFromMs, positiveMs } from "./convert/time.js";

export interface SshMethodsOptions {
  readonly certificates: Certificates;
  readonly sshServers: SshServers;
  readonly clock: Clock;
  /** Under which the engine is reached. Default: the name that the caller calls it by. */
  readonly publicUrl?: string | undefined;
}

/** An engine is its own gateway, and the only one. */
const gateway = { gatewayId: "local", region: "local" } as const;

/** What a client needs ahead of an SSH connection. */
export const sshGatewayMethods = ({ certificates, sshServers, clock, publicUrl }: SshMethodsOptions) =>
  ({
    async issueSandboxSSHCert({ sessionId, publicKey, requestedTtl, sourceAddresses }) {
      sshServers.requireServer();
      const ttlMs = positiveMs(requestedTtl, "requested_ttl");
      const issued = await certificates.issue({ sessionId, publicKey, ttlMs, sourceAddresses });
      return {
        sshCert: issued.certificate,
        caPub: issued.authority,
        expiresAt: timestampFromDate(issued.expiresAt),
        certSerial: issued.serial,
        renewalAfter: durationFromMs(issued.renewalAfterMs),
        permissions: toPermissions(issued.extensions),
      };
    },
    listActiveSSHGateways({ region }, context) {
      if (region !== "" && region !== gateway.region) return { gateways: [] };
      const wsBridgeEndpoint = bridgeEndpoint(publicUrl, context);
      const lastHeartbeatAt = timestampFromDate(clock.now());
      return { gateways: [{ ...gateway, lastHeartbeatAt, healthy: isThere(sshServers), wsBridgeEndpoint }] };
    },
  }) satisfies ServiceImpl<typeof SSHGatewayClientService>;

/** Beyond the contract. */
export const sshMethods = ({ certificates, sshServers }: SshMethodsOptions) =>
  ({
    async getSSHHostKeys({ sessionId }) {
      return { hostKeys: [...(await sshServers.hostKeys(sessionId))] };
    },
    async rotateSSHAuthority() {
      const { publicKey, former } = await certificates.rotate();
      const trustedUntil = former[0] === undefined ? undefined : timestampFromDate(former[0].trustedUntil);
      return { caPub: publicKey, trustedUntil };
    },
  }) satisfies ServiceImpl<typeof SSHService>;

export const authorizedKeysMethods = (sessions: Sessions) =>
  ({
    updateSSHAuthorizedKeys({ sessionId, sshAuthorizedKeys }) {
      sessions.ssh.setAuthorizedKeys(sessionId, sshAuthorizedKeys);
      return {};
    },
  }) satisfies Partial<ServiceImpl<typeof SandboxService>>;

function toPermissions(extensions: readonly string[]) {
  const has = (extension: string) => extensions.includes(extension);
  return {
    allowPty: has("permit-pty"),
    allowAgentForwarding: has("permit-agent-forwarding"),
    allowPortForwardingLocal: has("permit-port-forwarding"),
    allowPortForwardingRemote: has("permit-port-forwarding"),
    allowX11Forwarding: has("permit-X11-forwarding"),
  };
}

const bridgeEndpoint = (publicUrl: string | undefined, context: HandlerContext): string =>
  (publicUrl ?? new URL(context.url).origin).replace(/^http/, "ws").replace(/\/+$/, "");

function isThere(sshServers: SshServers): boolean {
  try {
    sshServers.requireServer();
    return true;
  } catch {
    return false;
  }
}
