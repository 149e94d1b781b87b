import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { type WebSocket, WebSocketServer } from "ws";
import type { SSHService } from "../../../src/gen/tenki/engine/v1/ssh_pb.js";
import type { SSHGatewayClientService } from "../../../src/gen/tenki/sandbox/v1/ssh_gateway_client_pb.js";
import type { SessionTable } from "./session-table.js";

type Admit = (context: HandlerContext) => void;

/** What a service has for SSH: an authority that signs real certificates, and a bridge that a test speaks through. */
export class SshGateway {
  /** Public keys that certificates were asked for with, in order. */
  readonly issued: string[] = [];
  /** Calls of the service, by name. */
  readonly calls: string[] = [];
  /** As `ssh-keygen -V` takes it. */
  validity = "-1m:+10m";
  /** A service that has nothing but the contract. */
  hidesHostKeys = false;
  /** What the bridge answers in place of the upgrade. */
  refusal: readonly [status: number, text: string] | undefined;
  /** Gets each connection. Default: what comes in goes out. */
  serve: (socket: WebSocket) => void = (socket) => void socket.on("message", (data) => socket.send(data));
  readonly hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3IpMbzm7xtVw8Q1Q0xG0Jm1Xz9O5cXc8X1yZ0y0y0y";
  address = "ws://127.0.0.1:1";
  readonly #sockets = new WebSocketServer({ noServer: true });
  readonly #directory = mkdtempSync(join(tmpdir(), "tenki-ca-"));
  #server: Server | undefined;

  async open(): Promise<void> {
    const server = createServer();
    server.on("upgrade", (request, socket, head) => {
      if (this.refusal !== undefined) socket.end(refusalText(...this.refusal));
      else this.#sockets.handleUpgrade(request, socket, head, (client) => this.serve(client));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    this.#server = server;
    this.address = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server?.close();
  }

  remove(): void {
    this.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  routes(sessions: SessionTable, admit: Admit): Partial<ServiceImpl<typeof SSHGatewayClientService>> {
    return {
      issueSandboxSSHCert: ({ sessionId, publicKey }, context) => {
        admit(context);
        this.calls.push("issueSandboxSSHCert");
        sessions.get(sessionId);
        this.issued.push(publicKey);
        return {
          sshCert: this.#sign(sessionId, publicKey),
          caPub: readFileSync(`${this.#ca()}.pub`, "utf8"),
        };
      },
      listActiveSSHGateways: (_, context) => {
        admit(context);
        this.calls.push("listActiveSSHGateways");
        return { gateways: [{ healthy: true, wsBridgeEndpoint: this.address }] };
      },
    };
  }

  hostKeyRoutes(admit: Admit): Partial<ServiceImpl<typeof SSHService>> {
    return {
      getSSHHostKeys: (_, context) => {
        admit(context);
        this.calls.push("getSSHHostKeys");
        if (this.hidesHostKeys) throw new ConnectError("no such service", Code.Unimplemented);
        return { hostKeys: [this.hostKey] };
      },
    };
  }

  #sign(sessionId: string, publicKey: string): string {
    const path = join(this.#directory, `key-${this.issued.length}`);
    writeFileSync(`${path}.pub`, publicKey);
    const args = ["-q", "-s", this.#ca(), "-I", sessionId, "-n", "tenki,root", "-V", this.validity];
    execFileSync("ssh-keygen", [...args, `${path}.pub`]);
    return readFileSync(`${path}-cert.pub`, "utf8");
  }

  #ca(): string {
    const path = join(this.#directory, "ca");
    if (!existsSync(path)) execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path]);
    return path;
  }
}

const refusalText = (status: number, text: string): string =>
  `HTTP/1.1 ${status} No\r\ncontent-length: ${text.length}\r\nconnection: close\r\n\r\n${text}`;
