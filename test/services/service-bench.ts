import {
  type Client,
  ConnectError,
  type ConnectRouter,
  createClient,
  createRouterTransport,
  type Interceptor,
} from "@connectrpc/connect";
import { Access } from "../../src/engine/core/access/access.js";
import { Commands } from "../../src/engine/core/commands/commands.js";
import { Credentials } from "../../src/engine/core/access/credentials.js";
import { Connections } from "../../src/engine/core/connections/connections.js";
import { Executions } from "../../src/engine/core/executions/executions.js";
import { Files } from "../../src/engine/core/files/files.js";
import { Artifacts } from "../../src/engine/core/files/artifacts.js";
import { SignedLinks } from "../../src/engine/core/access/signed-links.js";
import { ArtifactLinks } from "../../src/engine/services/artifact-links.js";
import type { HttpRoute } from "../../src/engine/server/routes.js";
import { artifactRoute } from "../../src/engine/services/artifact-route.js";
import { artifactMethods } from "../../src/engine/services/artifacts.js";
import { Git } from "../../src/engine/core/git/git.js";
import { Sessions } from "../../src/engine/core/sessions/sessions.js";
import { Snapshots } from "../../src/engine/core/snapshots/snapshots.js";
import { Stats } from "../../src/engine/core/sessions/stats.js";
import { Volumes } from "../../src/engine/core/volumes/volumes.js";
import { WorkspaceLimits } from "../../src/engine/core/workspace/workspace-limits.js";
import { WorkspaceSettings } from "../../src/engine/core/workspace/workspace-settings.js";
import { DiskOutputLogs } from "../../src/engine/outputs/disk-output-logs.js";
import { createInterceptors } from "../../src/engine/server/server.js";
import { DataPlaneAccess } from "../../src/engine/services/data-plane-access.js";
import { executeCommandMethods } from "../../src/engine/services/execute-command.js";
import { executionMethods } from "../../src/engine/services/executions.js";
import { dialMethods, dialPortMethods } from "../../src/engine/services/dial.js";
import { hostPortTunnelMethods } from "../../src/engine/services/host-port-tunnel.js";
import { fileMethods } from "../../src/engine/services/files.js";
import { gitMethods } from "../../src/engine/services/git.js";
import { identityMethods } from "../../src/engine/services/identity.js";
import { runMethods } from "../../src/engine/services/run.js";
import { sessionMethods } from "../../src/engine/services/sessions.js";
import { egressMethods } from "../../src/engine/services/egress.js";
import { SnapshotLinks } from "../../src/engine/services/snapshot-links.js";
import { snapshotRoute } from "../../src/engine/services/snapshot-route.js";
import { snapshotMethods } from "../../src/engine/services/snapshots.js";
import { memorySnapshotMethods } from "../../src/engine/services/memory-support.js";
import { statsMethods } from "../../src/engine/services/stats.js";
import { volumeMethods } from "../../src/engine/services/volumes.js";
import { workspaceMethods } from "../../src/engine/services/workspace.js";
import { MemoryStore } from "../../src/engine/store/memory-store.js";
import { DialService } from "../../src/gen/tenki/engine/v1/dial_pb.js";
import { ExecutionService } from "../../src/gen/tenki/engine/v1/execution_pb.js";
import { EgressService } from "../../src/gen/tenki/engine/v1/egress_pb.js";
import { MemorySnapshotService } from "../../src/gen/tenki/engine/v1/memory_snapshot_pb.js";
import { SessionStatsService } from "../../src/gen/tenki/engine/v1/stats_pb.js";
import { SandboxService, SandboxSessionDataPlaneService } from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { type Logger, silentLogger } from "../../src/lib/logger.js";
import { FakeClock } from "../core/fake-clock.js";
import { InMemoryParts } from "../core/in-memory-parts.js";

export const token = "tk_0123456789abcdef0123456789abcdef";
export const self = { ownerType: "SERVICE", ownerId: "self" };

export interface ServiceBenchOptions {
  readonly publicUrl?: string;
  readonly firstFrameMs?: number;
  /** Where executions keep their output. Default: there are none. */
  readonly dataDir?: string;
}

/** The services with everything above the ports real, reached without a network. */
export class ServiceBench {
  readonly parts = new InMemoryParts();
  readonly clock = new FakeClock();
  readonly sandbox: Client<typeof SandboxService>;
  readonly egress: Client<typeof EgressService>;
  readonly memorySnapshots: Client<typeof MemorySnapshotService>;
  readonly stats: Client<typeof SessionStatsService>;
  /** To be served by a server of its own. */
  readonly dataPlaneMethods: ReturnType<typeof runMethods> &
    ReturnType<typeof fileMethods> &
    ReturnType<typeof dialMethods> &
    ReturnType<typeof hostPortTunnelMethods>;
  /** To be served by a server of its own. */
  readonly artifactRoute: HttpRoute;
  /** To be served by a server of its own. */
  readonly snapshotRoute: HttpRoute;
  /** What was logged, as text. */
  readonly logged: string[] = [];
  readonly #routes: (router: ConnectRouter) => void;
  readonly #interceptors: Interceptor[];

  readonly executions: Executions;
  readonly executionCalls: Client<typeof ExecutionService>;
  readonly dialCalls: Client<typeof DialService>;
  /** The engine stops. */
  readonly stopping = new AbortController();

  constructor(options: ServiceBenchOptions = {}) {
    const store = new MemoryStore();
    const access = new Access(store, token);
    const log = this.#logger();
    const settings = new WorkspaceSettings(store);
    const limits = new WorkspaceLimits(store, settings);
    const { volumes: disks } = this.parts;
    const volumes = new Volumes({ store, disks, clock: this.clock, access, limits, log });
    const { snapshots: disksOfSnapshots } = this.parts;
    const snapshots = new Snapshots({
      store,
      disks: disksOfSnapshots,
      clock: this.clock,
      access,
      limits,
      settings,
      log,
    });
    const sessions = new Sessions({
      store,
      parts: this.parts,
      clock: this.clock,
      access,
      limits,
      settings,
      volumes,
      snapshots,
      log,
    });
    const credentials = new Credentials(store, this.clock);
    const dataPlane = new DataPlaneAccess(credentials, options.publicUrl);
    this.#interceptors = createInterceptors(
      {
        checkToken: (given) => access.checkToken(given),
        verifyCredential: (credential) => credentials.verify(credential),
      },
      log,
    );
    const { runtime } = this.parts;
    const commands = new Commands(sessions, runtime);
    this.executions = new Executions({
      store: store.executions,
      logs: new DiskOutputLogs(options.dataDir ?? "/dev/null"),
      ...{ sessions, commands, runtime, clock: this.clock, key: "key", log },
    });
    const { executions, stopping } = this;
    const executionOptions = { executions, commands, stopping: stopping.signal };
    const { clock } = this;
    const connections = new Connections({ sessions, runtime, clock });
    const connectionOptions = { ...options, connections, clock, stopping: stopping.signal };
    this.dataPlaneMethods = {
      ...runMethods(commands, { ...options, stopping: stopping.signal }),
      ...fileMethods(new Files(sessions, this.parts.runtime, this.parts.disks)),
      ...dialMethods(connectionOptions),
      ...hostPortTunnelMethods(connectionOptions),
    };
    const files = new Files(sessions, this.parts.runtime, this.parts.disks);
    const artifacts = new Artifacts({ store: store.artifacts, sessions, files, clock: this.clock });
    const links = new ArtifactLinks(new SignedLinks(store, this.clock), options.publicUrl);
    this.artifactRoute = artifactRoute({ artifacts, links, log });
    const snapshotLinks = new SnapshotLinks(new SignedLinks(store, this.clock), options.publicUrl);
    this.snapshotRoute = snapshotRoute({ sessions, snapshots, links: snapshotLinks, log });
    this.#routes = (router) => {
      router.service(SandboxService, {
        ...identityMethods(access.identity),
        ...sessionMethods({ sessions, images: this.parts.images, dataPlane }),
        ...workspaceMethods({ access, settings, limits }),
        ...volumeMethods({ sessions, volumes }),
        ...snapshotMethods({ sessions, snapshots, snapshotLinks }),
        ...artifactMethods(artifacts, links),
        ...gitMethods(new Git(sessions, this.parts.runtime)),
        ...executeCommandMethods(executionOptions),
      });
      router.service(DialService, dialPortMethods(connectionOptions));
      router.service(ExecutionService, executionMethods(executionOptions));
      const { parts, clock } = this;
      router.service(EgressService, egressMethods({ sessions, images: this.parts.images, dataPlane }));
      router.service(SessionStatsService, statsMethods(new Stats({ store, sessions, parts, clock })));
      router.service(MemorySnapshotService, memorySnapshotMethods(parts.runtime));
      router.service(SandboxSessionDataPlaneService, this.dataPlaneMethods);
    };
    const withToken = this.#transport({ authorization: `Bearer ${token}` });
    this.sandbox = createClient(SandboxService, withToken);
    this.executionCalls = createClient(ExecutionService, withToken);
    this.egress = createClient(EgressService, withToken);
    this.dialCalls = createClient(DialService, withToken);
    this.memorySnapshots = createClient(MemorySnapshotService, withToken);
    this.stats = createClient(SessionStatsService, withToken);
  }

  /** A session that runs, and its data plane. */
  async running(options: { readonly env?: Record<string, string> } = {}) {
    const created = await this.sandbox.createSession({ ...self, ...options, waitReady: true });
    const { session, credential } = created;
    if (session === undefined || credential === undefined) throw new Error("no session was made");
    return { id: session.id, session, dataPlane: this.dataPlane(credential.credential) };
  }

  #logger(): Logger {
    const at = (message: string, fields?: object) =>
      void this.logged.push(`${message} ${JSON.stringify(fields ?? {})}`);
    return { ...silentLogger, debug: at, info: at, warn: at, error: at };
  }

  dataPlane(credential: string): Client<typeof SandboxSessionDataPlaneService> {
    return createClient(
      SandboxSessionDataPlaneService,
      this.#transport({ "x-tenki-session-cert": credential }),
    );
  }

  #transport(headers: Readonly<Record<string, string>>) {
    const withHeaders: Interceptor = (next) => (request) => {
      for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
      return next(request);
    };
    return createRouterTransport(this.#routes, {
      router: { interceptors: this.#interceptors },
      transport: { interceptors: [withHeaders] },
    });
  }
}

/** The error that a call ends with. */
export async function failureOf(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("the call succeeded");
}
