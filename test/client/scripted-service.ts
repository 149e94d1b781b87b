import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ConnectRouter, HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Client, type ClientOptions } from "../../src/client/index.js";
import {
  ExecutionService,
  type AttachExecutionRequest,
  type AttachedSchema,
} from "../../src/gen/tenki/engine/v1/execution_pb.js";
import { SessionStatsService } from "../../src/gen/tenki/engine/v1/stats_pb.js";
import {
  RunResponseSchema,
  SandboxService,
  SandboxSessionDataPlaneService,
  type RunRequest,
  type SandboxSessionDataPlaneServiceRunRequest as RunMessage,
} from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { SSHGatewayClientService } from "../../src/gen/tenki/sandbox/v1/ssh_gateway_client_pb.js";

export interface Script {
  readonly sandbox?: Partial<ServiceImpl<typeof SandboxService>>;
  readonly dataPlane?: Partial<ServiceImpl<typeof SandboxSessionDataPlaneService>>;
  readonly ssh?: Partial<ServiceImpl<typeof SSHGatewayClientService>>;
  /** Default: a service that does not have them at all. */
  readonly stats?: Partial<ServiceImpl<typeof SessionStatsService>>;
  readonly executions?: Partial<ServiceImpl<typeof ExecutionService>>;
}

export const sessionId = "0190d3c5-1111-7000-8000-000000000001";
export const executionId = "0190d3c5-2222-7000-8000-000000000001";

/** The contract's services over a real socket, each method doing what a test says. */
export class ScriptedService implements AsyncDisposable {
  readonly endpoint: string;
  readonly calls: string[] = [];
  readonly connections = new Set<ServerHttp2Session>();
  readonly #server: Http2Server;
  readonly #clients: Client[] = [];

  constructor(server: Http2Server, calls: string[]) {
    this.#server = server;
    this.calls = calls;
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("session", (session) => {
      this.connections.add(session);
      session.on("close", () => this.connections.delete(session));
    });
  }

  client(options: ClientOptions = {}): Client {
    const client = new Client({ authToken: "tk_test", baseUrl: this.endpoint, env: {}, ...options });
    this.#clients.push(client);
    return client;
  }

  count(method: string): number {
    return this.calls.filter((call) => call === method).length;
  }

  /** As when the machine it runs on loses its power. */
  dropConnections(): void {
    for (const session of this.connections) session.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    this.dropConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

export async function scriptedService(script: Script): Promise<ScriptedService> {
  const calls: string[] = [];
  const routes = (router: ConnectRouter) => {
    router.service(SandboxService, { createSessionCredential: () => access(), ...script.sandbox });
    router.service(SandboxSessionDataPlaneService, script.dataPlane ?? {});
    router.service(SSHGatewayClientService, script.ssh ?? {});
    if (script.stats !== undefined) router.service(SessionStatsService, script.stats);
    if (script.executions !== undefined) router.service(ExecutionService, script.executions);
  };
  const handler = connectNodeAdapter({ routes });
  const server = createServer((request, response) => {
    calls.push(request.url.split("/").at(-1) ?? "");
    handler(request, response);
  });
  server.on("sessionError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return new ScriptedService(server, calls);
}

/** A credential's answer; the data plane is the service itself. */
export function access(credential = "cert-1", lifetimeMs = 3_600_000) {
  return {
    credential: { credential, expiresAt: timestamp(Date.now() + lifetimeMs) },
    dataPlaneEndpoint: "",
    routeStatus: 1,
  };
}

export const timestamp = (ms: number) => ({
  seconds: BigInt(Math.floor(ms / 1_000)),
  nanos: (ms % 1_000) * 1_000_000,
});

export const credentialOf = (context: HandlerContext): string | null =>
  context.requestHeader.get("x-tenki-session-cert");

type RunPayload = NonNullable<MessageInitShape<typeof RunResponseSchema>["payload"]>;

export const down = (payload: RunPayload) => ({ frame: create(RunResponseSchema, { payload }) });

export const started = (stdinWindowBytes = 0, pid = 7n) =>
  down({ case: "started", value: { pid, stdinWindowBytes } });

export const stdout = (text: string | Uint8Array) => down({ case: "stdout", value: bytes(text) });

export const stderr = (text: string | Uint8Array) => down({ case: "stderr", value: bytes(text) });

export const exited = (exit: Extract<RunPayload, { case: "exit" }>["value"] = {}) =>
  down({ case: "exit", value: { reason: "exit", durationMs: 12n, ...exit } });

export type AttachPayload = AttachExecutionRequest["payload"];

export const attached = (value: MessageInitShape<typeof AttachedSchema>) => ({
  payload: { case: "attached" as const, value },
});

export const attachedStdout = (text: string) => ({
  payload: { case: "stdout" as const, value: bytes(text) },
});

/** The frames that came up, one by one. */
export async function* up(
  messages: AsyncIterable<RunMessage>,
): AsyncGenerator<RunRequest["payload"], void, undefined> {
  for await (const { frame } of messages) yield frame?.payload ?? { case: undefined };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const bytes = (text: string | Uint8Array): Uint8Array =>
  typeof text === "string" ? Buffer.from(text) : text;
