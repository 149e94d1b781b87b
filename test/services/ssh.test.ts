import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { TenkiError } from "../../src/domain/error.js";
import { Certificates } from "../../src/engine/core/ssh/certificates.js";
import { SshServers } from "../../src/engine/core/ssh/ssh-servers.js";
import { OpensshKeys } from "../../src/engine/openssh/openssh-keys.js";
import { convertErrors } from "../../src/engine/server/errors.js";
import { validateRequests } from "../../src/engine/server/validate.js";
import { authorizedKeysMethods, sshGatewayMethods, sshMethods } from "../../src/engine/services/ssh.js";
import { SSHService } from "../../src/gen/tenki/engine/v1/ssh_pb.js";
import { SandboxService } from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { SSHGatewayClientService } from "../../src/gen/tenki/sandbox/v1/ssh_gateway_client_pb.js";
import { silentLogger } from "../../src/lib/logger.js";
import { Workbench } from "../core/workbench.js";

const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF/+EBT7SHeRyOupxq1BaEQY5U+OI+/nieuj1RjYNNGd me";

describe("the calls about SSH", () => {
  let dataDir: string;
  before(() => void (dataDir = mkdtempSync(join(tmpdir(), "tenki-ssh-calls-"))));
  after(() => rmSync(dataDir, { recursive: true, force: true }));

  async function open(publicUrl?: string) {
    const bench = new Workbench();
    const { sessions, clock, parts } = bench;
    const keys = new OpensshKeys({ dataDir });
    const certificates = new Certificates({ sessions, keys, clock });
    const sshServers = new SshServers({ sessions, runtime: parts.runtime, keys, certificates });
    const options = { certificates, sshServers, clock, publicUrl };
    const transport = createRouterTransport(
      (router) => {
        router.service(SSHGatewayClientService, sshGatewayMethods(options));
        router.service(SSHService, sshMethods(options));
        router.service(SandboxService, authorizedKeysMethods(sessions));
      },
      { router: { interceptors: [convertErrors(silentLogger), validateRequests()] } },
    );
    return {
      bench,
      session: await bench.createRunning(),
      gateway: createClient(SSHGatewayClientService, transport),
      own: createClient(SSHService, transport),
      sandbox: createClient(SandboxService, transport),
    };
  }

  const missing = () => {
    throw new TenkiError("failed_precondition", "ssh is not to be had: there is no sshd here");
  };

  it("say what a certificate allows, until when, and who signed it", async () => {
    const { gateway, session, bench } = await open();
    const answer = await gateway.issueSandboxSSHCert({
      sessionId: session.id,
      publicKey,
      requestedTtl: { seconds: 120n, nanos: 0 },
    });
    assert.match(answer.sshCert, /^ssh-ed25519-cert-v01@openssh\.com \S+ /);
    assert.match(answer.caPub, /^ssh-ed25519 \S+$/);
    assert.match(answer.certSerial, /^\d+$/);
    assert.equal(Number(answer.expiresAt?.seconds) * 1_000, bench.clock.now().getTime() + 120_000);
    assert.equal(answer.renewalAfter?.seconds, 80n);
    const { $typeName: _, ...permissions } = answer.permissions ?? {};
    assert.deepEqual(permissions, {
      allowPty: true,
      allowAgentForwarding: true,
      allowPortForwardingLocal: true,
      allowPortForwardingRemote: true,
      allowX11Forwarding: false,
    });
  });

  it("refuse a validity below zero", async () => {
    const { gateway, session } = await open();
    const requestedTtl = { seconds: -5n, nanos: 0 };
    await assert.rejects(gateway.issueSandboxSSHCert({ sessionId: session.id, publicKey, requestedTtl }), {
      message: /requested_ttl/,
    });
  });

  it("announce the engine's own address as the only gateway", async () => {
    for (const [publicUrl, endpoint] of [
      ["https://engine.example.com/", "wss://engine.example.com"],
      ["http://127.0.0.1:8365", "ws://127.0.0.1:8365"],
    ] as const) {
      const { gateway } = await open(publicUrl);
      const { gateways } = await gateway.listActiveSSHGateways({});
      assert.deepEqual(
        gateways.map(({ healthy, wsBridgeEndpoint }) => [healthy, wsBridgeEndpoint]),
        [[true, endpoint]],
      );
    }
    const { gateway } = await open();
    assert.equal((await gateway.listActiveSSHGateways({ region: "local" })).gateways.length, 1);
    assert.deepEqual((await gateway.listActiveSSHGateways({ region: "mars" })).gateways, []);
  });

  it("say why there is no SSH, where there is none", async () => {
    const { gateway, own, session, bench } = await open();
    bench.parts.runtime.sshServer = missing;
    const { gateways } = await gateway.listActiveSSHGateways({});
    assert.equal(gateways[0]?.healthy, false);
    const failure = { code: 9, rawMessage: /^ssh is not to be had/ };
    await assert.rejects(gateway.issueSandboxSSHCert({ sessionId: session.id, publicKey }), failure);
    await assert.rejects(own.getSSHHostKeys({ sessionId: session.id }), failure);
  });

  it("tell the host key, and change the authority", async () => {
    const { gateway, own, session } = await open();
    const { hostKeys } = await own.getSSHHostKeys({ sessionId: session.id });
    assert.match(hostKeys.join("\n"), /^ssh-ed25519 \S+$/);
    const old = (await gateway.issueSandboxSSHCert({ sessionId: session.id, publicKey })).caPub;
    const rotated = await own.rotateSSHAuthority({});
    assert.notEqual(rotated.caPub, old);
    const fresh = await gateway.issueSandboxSSHCert({ sessionId: session.id, publicKey });
    assert.equal(fresh.caPub, rotated.caPub);
    assert.ok((rotated.trustedUntil?.seconds ?? 0n) >= (fresh.expiresAt?.seconds ?? 0n));
  });

  it("replace a session's keys, and want one", async () => {
    const { sandbox, session, bench } = await open();
    await sandbox.updateSSHAuthorizedKeys({ sessionId: session.id, sshAuthorizedKeys: [publicKey] });
    assert.deepEqual(bench.sessions.get(session.id).sshAuthorizedKeys, [publicKey]);
    await assert.rejects(sandbox.updateSSHAuthorizedKeys({ sessionId: session.id, sshAuthorizedKeys: [] }), {
      message: /ssh_authorized_keys/,
    });
  });
});
