import {
  createClient,
  createServiceImplSpec,
  type Client,
  type Interceptor,
  type ServiceImpl,
} from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { TenkiError } from "../../src/domain/error.js";
import type { ListenOptions } from "../../src/engine/server/listener.js";
import { type RunningServer, startServer } from "../../src/engine/server/server.js";
import type { HttpRoute } from "../../src/engine/server/routes.js";
import type { UpgradeRoute } from "../../src/engine/server/upgrades.js";
import { SandboxService, SandboxSessionDataPlaneService } from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import type { LogFields, Logger, LogLevel } from "../../src/lib/logger.js";

export const token = "tk_0123456789abcdef0123456789abcdef";
export const sessionA = "11111111-1111-4111-8111-111111111111";
export const sessionB = "22222222-2222-4222-8222-222222222222";

export interface Methods {
  readonly sandbox?: Partial<ServiceImpl<typeof SandboxService>>;
  readonly dataPlane?: Partial<ServiceImpl<typeof SandboxSessionDataPlaneService>>;
  readonly upgrades?: readonly UpgradeRoute[];
  readonly routes?: readonly HttpRoute[];
  readonly ready?: Promise<void>;
}

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** A server on a free port whose methods are the test's; a credential is `cert:<session id>`. */
export async function openServer(
  methods: Methods,
  listen: Partial<ListenOptions> = {},
): Promise<RunningServer & { readonly lines: LogLine[] }> {
  const lines: LogLine[] = [];
  const server = await startServer({
    listen: { host: "127.0.0.1", port: 0, ...listen },
    auth: { checkToken, verifyCredential },
    services: [
      createServiceImplSpec(SandboxService, methods.sandbox ?? {}),
      createServiceImplSpec(SandboxSessionDataPlaneService, methods.dataPlane ?? {}),
    ],
    upgrades: methods.upgrades ?? [],
    routes: methods.routes,
    ready: methods.ready ?? Promise.resolve(),
    log: recordingLogger(lines),
  });
  return { ...server, lines };
}

function checkToken(given: string | undefined): void {
  if (given !== token) throw new TenkiError("unauthenticated", "the token is not valid");
}

function verifyCredential(credential: string): string {
  const [, session] = /^cert:(.+)$/.exec(credential) ?? [];
  if (session === undefined) throw new TenkiError("unauthenticated", "the credential is broken or expired");
  return session;
}

export function recordingLogger(lines: LogLine[]): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}) =>
      void lines.push({ level, message, fields });
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

export type Protocol = "grpc" | "grpc-web" | "connect" | "connect-json" | "connect-json-http1";

export const protocols: readonly Protocol[] = [
  "grpc",
  "grpc-web",
  "connect",
  "connect-json",
  "connect-json-http1",
];

export interface Clients {
  readonly sandbox: Client<typeof SandboxService>;
  readonly dataPlane: Client<typeof SandboxSessionDataPlaneService>;
}

export interface ClientSettings {
  readonly protocol?: Protocol;
  readonly headers?: Readonly<Record<string, string>>;
  readonly nodeOptions?: object;
}

/** Clients of the given protocol, that send the given headers with every call. */
export function connect(
  baseUrl: string,
  { protocol = "grpc", headers = { authorization: `Bearer ${token}` }, nodeOptions }: ClientSettings = {},
): Clients {
  const withHeaders: Interceptor = (next) => (request) => {
    for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
    return next(request);
  };
  const common = { baseUrl, interceptors: [withHeaders], ...(nodeOptions && { nodeOptions }) };
  const transport = {
    grpc: () => createGrpcTransport(common),
    "grpc-web": () => createGrpcWebTransport({ ...common, httpVersion: "2" }),
    connect: () => createConnectTransport({ ...common, httpVersion: "2" }),
    "connect-json": () => createConnectTransport({ ...common, httpVersion: "2", useBinaryFormat: false }),
    "connect-json-http1": () =>
      createConnectTransport({ ...common, httpVersion: "1.1", useBinaryFormat: false }),
  }[protocol]();
  return {
    sandbox: createClient(SandboxService, transport),
    dataPlane: createClient(SandboxSessionDataPlaneService, transport),
  };
}
