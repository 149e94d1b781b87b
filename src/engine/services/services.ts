import { SSHService } from "../../gen/tenki/engine/v1/ssh_pb.js";
import { EgressService } from "../../gen/tenki/engine/v1/egress_pb.js";
import { MemorySnapshotService } from "../../gen/tenki/engine/v1/memory_snapshot_pb.js";
import { SessionStatsService } from "../../gen/tenki/engine/v1/stats_pb.js";
import { createServiceImplSpec, type ServiceImplSpec } from "@connectrpc/connect";
import { DialService } from "../../gen/tenki/engine/v1/dial_pb.js";
import { PortService } from "../../gen/tenki/engine/v1/port_pb.js";
import { ExecutionService } from "../../gen/tenki/engine/v1/execution_pb.js";
import { SandboxService, SandboxSessionDataPlaneService } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import { SSHGatewayClientService } from "../../gen/tenki/sandbox/v1/ssh_gateway_client_pb.js";
import type { Access } from "../core/access/access.js";
import type { Artifacts } from "../core/files/artifacts.js";
import type { Commands } from "../core/commands/commands.js";
import type { Executions } from "../core/executions/executions.js";
import type { Files } from "../core/files/files.js";
import type { Git } from "../core/git/git.js";
import type { PreviewParts } from "../core/previews/assemble-previews.js";
import type { Images } from "../core/ports/images.js";
import type { Runtime } from "../core/ports/runtime.js";
import type { Sessions } from "../core/sessions/sessions.js";
import type { Snapshots } from "../core/snapshots/snapshots.js";
import type { Stats } from "../core/sessions/stats.js";
import type { Volumes } from "../core/volumes/volumes.js";
import type { WorkspaceLimits } from "../core/workspace/workspace-limits.js";
import type { WorkspaceSettings } from "../core/workspace/workspace-settings.js";
import type { ArtifactLinks } from "./artifact-links.js";
import { artifactMethods } from "./artifacts.js";
import type { DataPlaneAccess } from "./data-plane-access.js";
import { egressMethods } from "./egress.js";
import { dialMethods, type DialMethodsOptions, dialPortMethods } from "./dial.js";
import { executeCommandMethods } from "./execute-command.js";
import { executionMethods } from "./executions.js";
import { fileMethods } from "./files.js";
import { gitMethods } from "./git.js";
import { hostPortTunnelMethods } from "./host-port-tunnel.js";
import { portMethods, tcpPortMethods } from "./ports.js";
import { previewUrlMethods } from "./preview-urls.js";
import { identityMethods } from "./identity.js";
import { runMethods } from "./run.js";
import { sessionMethods } from "./sessions.js";
import { authorizedKeysMethods, sshGatewayMethods, sshMethods, type SshMethodsOptions } from "./ssh.js";
import type { SnapshotLinks } from "./snapshot-links.js";
import { memorySnapshotMethods } from "./memory-support.js";
import { snapshotMethods } from "./snapshots.js";
import { statsMethods } from "./stats.js";
import { volumeMethods } from "./volumes.js";
import { workspaceMethods } from "./workspace.js";

export interface ServicesOptions extends DialMethodsOptions {
  readonly access: Access;
  readonly sessions: Sessions;
  readonly volumes: Volumes;
  readonly snapshots: Snapshots;
  readonly snapshotLinks: SnapshotLinks;
  readonly settings: WorkspaceSettings;
  readonly limits: WorkspaceLimits;
  readonly commands: Commands;
  readonly executions: Executions;
  readonly files: Files;
  readonly git: Git;
  readonly artifacts: Artifacts;
  readonly artifactLinks: ArtifactLinks;
  readonly previews: PreviewParts;
  readonly images: Images;
  readonly runtime: Pick<Runtime, "memoryObstacles">;
  readonly stats: Stats;
  readonly dataPlane: DataPlaneAccess;
  readonly ssh: SshMethodsOptions;
  /** Aborts ahead of everything else when the engine stops: calls that can be made again end then, with its reason. */
  readonly stopping: AbortSignal;
}

/** The contract's services, and ours beyond it, with the methods that there are; the others answer `unimplemented`. */
export function createServices(options: ServicesOptions): ServiceImplSpec[] {
  const { access, commands, files, stats } = options;
  return [
    createServiceImplSpec<typeof SandboxService>(SandboxService, {
      ...identityMethods(access.identity),
      ...sessionMethods(options),
      ...workspaceMethods(options),
      ...volumeMethods(options),
      ...snapshotMethods(options),
      ...gitMethods(options.git),
      ...executeCommandMethods(options),
      ...authorizedKeysMethods(options.sessions),
      ...artifactMethods(options.artifacts, options.artifactLinks),
      ...portMethods(options.previews),
      ...previewUrlMethods(options.previews, access),
    }),
    createServiceImplSpec<typeof SandboxSessionDataPlaneService>(SandboxSessionDataPlaneService, {
      ...runMethods(commands, options),
      ...fileMethods(files),
      ...dialMethods(options),
      ...hostPortTunnelMethods(options),
    }),
    createServiceImplSpec<typeof DialService>(DialService, dialPortMethods(options)),
    createServiceImplSpec<typeof ExecutionService>(ExecutionService, executionMethods(options)),
    createServiceImplSpec<typeof SSHGatewayClientService>(
      SSHGatewayClientService,
      sshGatewayMethods(options.ssh),
    ),
    createServiceImplSpec<typeof SSHService>(SSHService, sshMethods(options.ssh)),
    createServiceImplSpec<typeof EgressService>(EgressService, egressMethods(options)),
    createServiceImplSpec<typeof PortService>(PortService, tcpPortMethods(options.previews)),
    createServiceImplSpec<typeof SessionStatsService>(SessionStatsService, statsMethods(stats)),
    createServiceImplSpec<typeof MemorySnapshotService>(
      MemorySnapshotService,
      memorySnapshotMethods(options.runtime),
    ),
  ];
}
