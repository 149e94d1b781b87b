import type { Client as RpcClient, Transport } from "@connectrpc/connect";
import {
  createClient,
  createGrpcTransport,
  DialService,
  ExecutionService,
  PortService,
  SandboxService,
  SandboxSessionDataPlaneService,
  EgressService,
  MemorySnapshotService,
  SessionStatsService,
  SSHGatewayClientService,
  SSHService,
} from "./grpc.js";
import { Http2Connection } from "./http2-connection.js";
import { observeRequests } from "./observe-requests.js";
import type { Settings } from "./settings.js";

export type SandboxRpc = RpcClient<typeof SandboxService>;
export type DataPlaneRpc = RpcClient<typeof SandboxSessionDataPlaneService>;
export type SshRpc = RpcClient<typeof SSHGatewayClientService>;
export type DialRpc = RpcClient<typeof DialService>;
export type EngineSshRpc = RpcClient<typeof SSHService>;
export type ExecutionRpc = RpcClient<typeof ExecutionService>;
export type EgressRpc = RpcClient<typeof EgressService>;
export type StatsRpc = RpcClient<typeof SessionStatsService>;
export type MemorySnapshotRpc = RpcClient<typeof MemorySnapshotService>;
export type PortRpc = RpcClient<typeof PortService>;

/** The contract's services at one address. */
export interface ServicesAt {
  readonly sandbox: SandboxRpc;
  readonly dataPlane: DataPlaneRpc;
  readonly ssh: SshRpc;
  /** Beyond the contract. */
  readonly executions: ExecutionRpc;
  readonly egress: EgressRpc;
  readonly stats: StatsRpc;
  readonly memorySnapshots: MemorySnapshotRpc;
  readonly ports: PortRpc;
  readonly engineSsh: EngineSshRpc;
  readonly dial: DialRpc;
  readonly connection: Http2Connection;
}

/** A service's client looks into every method that the service has: only who uses one pays for it. */
class LazyServices implements ServicesAt {
  readonly connection: Http2Connection;
  readonly #transport: Transport;
  #sandbox: SandboxRpc | undefined;
  #dataPlane: DataPlaneRpc | undefined;
  #ssh: SshRpc | undefined;
  #executions: ExecutionRpc | undefined;
  #egress: EgressRpc | undefined;
  #stats: StatsRpc | undefined;
  #memorySnapshots: MemorySnapshotRpc | undefined;
  #ports: PortRpc | undefined;
  #engineSsh: EngineSshRpc | undefined;
  #dial: DialRpc | undefined;

  constructor(transport: Transport, connection: Http2Connection) {
    this.#transport = transport;
    this.connection = connection;
  }

  get sandbox(): SandboxRpc {
    return (this.#sandbox ??= createClient(SandboxService, this.#transport));
  }

  get dataPlane(): DataPlaneRpc {
    return (this.#dataPlane ??= createClient(SandboxSessionDataPlaneService, this.#transport));
  }

  get ssh(): SshRpc {
    return (this.#ssh ??= createClient(SSHGatewayClientService, this.#transport));
  }

  get executions(): ExecutionRpc {
    return (this.#executions ??= createClient(ExecutionService, this.#transport));
  }

  get egress(): EgressRpc {
    return (this.#egress ??= createClient(EgressService, this.#transport));
  }

  get ports(): PortRpc {
    return (this.#ports ??= createClient(PortService, this.#transport));
  }

  get stats(): StatsRpc {
    return (this.#stats ??= createClient(SessionStatsService, this.#transport));
  }

  get memorySnapshots(): MemorySnapshotRpc {
    return (this.#memorySnapshots ??= createClient(MemorySnapshotService, this.#transport));
  }

  get dial(): DialRpc {
    return (this.#dial ??= createClient(DialService, this.#transport));
  }

  get engineSsh(): EngineSshRpc {
    return (this.#engineSsh ??= createClient(SSHService, this.#transport));
  }
}

/**
 * All connections of a client, one per origin: a data plane at the API's own address shares its
 * connection. This module alone loads the generated code and the gRPC library.
 */
export class Wire {
  readonly #settings: Settings;
  readonly #connections = new Map<string, Http2Connection>();
  readonly #services = new Map<string, ServicesAt>();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  at(endpoint: string): ServicesAt {
    const known = this.#services.get(endpoint);
    if (known !== undefined) return known;
    const services = this.#open(endpoint);
    this.#services.set(endpoint, services);
    return services;
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
    this.#services.clear();
  }

  #open(endpoint: string): ServicesAt {
    const { onRequest, token } = this.#settings;
    const connection = this.#connection(new URL(endpoint).origin);
    const transport = createGrpcTransport({
      baseUrl: endpoint,
      sessionManager: connection,
      acceptCompression: [], // compressing what crosses a loopback or a data centre costs more than it saves
      interceptors: onRequest === undefined ? [] : [observeRequests({ endpoint, onRequest, token })],
    });
    return new LazyServices(transport, connection);
  }

  #connection(origin: string): Http2Connection {
    const known = this.#connections.get(origin);
    if (known !== undefined) return known;
    const connection = new Http2Connection(origin, this.#settings.rootCertificates);
    this.#connections.set(origin, connection);
    return connection;
  }
}
