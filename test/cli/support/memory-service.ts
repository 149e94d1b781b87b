import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { rm } from "node:fs/promises";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  type RunStart,
  SandboxService,
  SandboxSessionDataPlaneService,
} from "../../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { ExecutionService } from "../../../src/gen/tenki/engine/v1/execution_pb.js";
import { MemorySnapshotService } from "../../../src/gen/tenki/engine/v1/memory_snapshot_pb.js";
import { SessionStatsService } from "../../../src/gen/tenki/engine/v1/stats_pb.js";
import { executionRoutes } from "./execution-routes.js";
import { SSHService } from "../../../src/gen/tenki/engine/v1/ssh_pb.js";
import { SSHGatewayClientService } from "../../../src/gen/tenki/sandbox/v1/ssh_gateway_client_pb.js";
import { SshGateway } from "./ssh-gateway.js";
import { EgressService } from "../../../src/gen/tenki/engine/v1/egress_pb.js";
import { egressRoutes } from "./egress-routes.js";
import { statsRoutes } from "./stats-routes.js";
import { sandboxRoutes } from "./sandbox-routes.js";
import { dataPlaneRoutes } from "./data-plane-routes.js";
import { SessionTable } from "./session-table.js";

export const goodToken = "tk_good";
export const expiredToken = "tk_expired";
export const limitedToken = "tk_limited";

/**
 * The contract in memory, over a real socket: sessions are records, their commands run on this machine in a
 * directory of their own, and their files lie there.
 */
export class MemoryService implements AsyncDisposable {
  readonly sessions: SessionTable;
  /** What every call of the control plane is answered with, where there is one. */
  failure: ConnectError | undefined;
  /** What stands in the way of memory in snapshots; undefined where that cannot be asked. */
  memoryObstacles: readonly string[] | undefined = [
    "there is no CRIU on this machine",
    "it takes an engine of root's",
  ];
  readonly endpoint: string;
  /** Closed, unless a test opens it. */
  readonly ssh: SshGateway;
  readonly #server: Http2Server;
  readonly #connections = new Set<ServerHttp2Session>();

  private constructor(server: Http2Server, sessions: SessionTable, ssh: SshGateway) {
    this.ssh = ssh;
    this.#server = server;
    this.sessions = sessions;
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("session", (session) => {
      this.#connections.add(session);
      session.on("close", () => this.#connections.delete(session));
    });
  }

  /** `executions`: it keeps commands, which is beyond the contract. */
  static async start({ executions = false } = {}): Promise<MemoryService> {
    const sessions = new SessionTable();
    const ssh = new SshGateway();
    let service: MemoryService | undefined;
    const admit = (context: HandlerContext) => {
      if (service?.failure !== undefined) throw service.failure;
      checkToken(context);
    };
    const handler = connectNodeAdapter({
      routes(router) {
        router.service(SandboxService, sandboxRoutes(sessions, admit));
        router.service(EgressService, egressRoutes(sessions, admit));
        router.service(SessionStatsService, statsRoutes(sessions, admit));
        router.service(MemorySnapshotService, {
          getMemorySnapshotSupport(_, context) {
            admit(context);
            if (service?.memoryObstacles === undefined) throw new ConnectError("", Code.Unimplemented);
            return { obstacles: [...service.memoryObstacles] };
          },
        });
        router.service(SandboxSessionDataPlaneService, dataPlaneRoutes(sessions));
        if (executions) router.service(ExecutionService, executionRoutes(admit));
        router.service(SSHGatewayClientService, ssh.routes(sessions, admit));
        router.service(SSHService, ssh.hostKeyRoutes(admit));
      },
    });
    const server = createServer(handler);
    server.on("sessionError", () => undefined);
    server.on("stream", (stream) => stream.on("error", () => undefined)); // what is dropped is dropped
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    service = new MemoryService(server, sessions, ssh);
    return service;
  }

  /** A directory whose programs are found first, in every session. */
  set path(directory: string | undefined) {
    this.sessions.path = directory;
  }

  /** Every command that was run, in order. */
  get commands(): readonly RunStart[] {
    return this.sessions.commands;
  }

  /** As when its machine loses its power. */
  dropConnections(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.sessions.close();
    this.ssh.remove();
    this.dropConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await Promise.all([...this.sessions.all()].map(({ root }) => rm(root, { recursive: true, force: true })));
  }
}

function checkToken({ requestHeader }: HandlerContext): void {
  const token = requestHeader.get("authorization")?.replace("Bearer ", "");
  if (token === goodToken) return;
  if (token === expiredToken) throw new ConnectError("the token has expired", Code.Unauthenticated);
  if (token === limitedToken) throw new ConnectError("the token may not do this", Code.PermissionDenied);
  throw new ConnectError("the token is not known", Code.Unauthenticated);
}
