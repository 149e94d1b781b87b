export { Client, Client as TenkiSandbox } from "./client.js";
export type { TerminateManyResult } from "./client.js";
export { Session } from "./session.js";
export type { AttachedCommand, ConnectionState, RunningCommand } from "./running-command.js";
export { Executions, SessionExecutions } from "./executions.js";
export type { BurstOutlet } from "./burst-outlet.js";
export type { ListExecutionsOptions, StartExecutionOptions } from "./executions.js";
export type { AttachOptions } from "./attach-execution.js";
export { KeptOutput } from "./kept-output.js";
export type { ReadKeptOptions } from "./kept-output.js";
export type { FinalOutput } from "./streamed-output.js";
export { checkResult, isSuccess, stderrText, stdoutText } from "./exec-result.js";
export type { CommandStatus, ExecResult } from "./exec-result.js";
export { Stream } from "./stream.js";
export { ProcessRunHandle } from "./process-handle.js";
export type { ProcessRunOptions, ProcessRunResult } from "./process-handle.js";
export type { FileReadStream } from "./read-file.js";
export type { ByteSource } from "./write-file.js";
export type { ArtifactLink, ArtifactUpload, ArtifactUploadOptions } from "./artifacts.js";
export type { ConnectTarget, DialStream } from "./connections/connect.js";
export type {
  HostPortTunnel,
  HostPortTunnelTermination,
  TunnelTerminationReason,
} from "./connections/host-port-tunnel.js";
export type {
  ResilientHostPortTunnel,
  ResilientHostPortTunnelOptions,
  ResilientHostPortTunnelStateEvent,
} from "./connections/resilient-tunnel.js";
export { Git } from "./git.js";
export type {
  GitCheckoutParams,
  GitCloneParams,
  GitDiffParams,
  GitFetchPRParams,
  GitLogParams,
} from "./git.js";
export { OpenCode, OpenCodeInstance } from "./open-code.js";
export type { OpenCodeResult, OpenCodeRunOptions } from "./open-code.js";
export type { OpenCodeEvent } from "./open-code-transcript.js";
export type { LoginRefusal } from "../domain/login-refusal.js";
export { SSHConnection } from "./ssh-connection.js";
export type { LoginRefusalListener } from "./ssh-connection.js";
export type { SSHOptions } from "./ssh.js";
export type { SSHAuthority } from "./ssh-authority.js";
export type { IssueSSHCertOptions, SSHCert, SSHCertPermissions, SSHWay } from "./ssh-gateway.js";
export { readSshEnd, type SSHLane, type SSHLaneOptions, type SSHLanePass } from "./ssh-lane.js";
export { Volumes } from "./volumes.js";
export type { CreateVolumeOptions, UpdateVolumeOptions } from "./volumes.js";
export { Snapshots } from "./snapshots.js";
export type { CreateSnapshotOptions, SnapshotDownload, UpdateSnapshotOptions } from "./snapshots.js";
export { PreviewUrlClient } from "./preview-urls.js";
export type { PreviewUrlOptions } from "./preview-urls.js";
export { ConnectionError } from "./connection-error.js";
export * from "./errors.js";
export type * from "./options/client.js";
export type * from "./options/waiting.js";
export type * from "./options/sessions.js";
export type * from "./options/commands.js";
export type * from "./options/files.js";
export type * from "./options/connections.js";
export type * from "./options/volumes.js";
export { defaultEndpoint } from "./settings.js";
export { Byte, GB, GiB, KB, KiB, MB, MiB, TB, TiB } from "./sizes.js";
export type { CredentialKeeper, KeptCredential } from "./credential-keeper.js";
export { TenkiError } from "../domain/error.js";
export type { ErrorKind } from "../domain/error.js";
export { isTerminal } from "../domain/session.js";
export type { SessionInfo, SessionState, VolumeAttachment } from "../domain/session.js";
export type { CommandExit, CommandOutput, SignalName, TerminalSize } from "../domain/command.js";
export type { ExecutionInfo, ExecutionState } from "../domain/execution.js";
export type { FileInfo } from "../domain/file.js";
export type { Identity, Project, Workspace } from "../domain/identity.js";
export type { ExposedPort, PreviewLink, PreviewUrl } from "../domain/preview-url.js";
export type { Snapshot, SnapshotState } from "../domain/snapshot.js";
export type { Volume, VolumeState } from "../domain/volume.js";
export type { EgressUse } from "../domain/egress.js";
export type { SessionStats } from "../domain/session-stats.js";
export type { UsageLimit } from "../domain/usage.js";
export type { WorkspaceSettings, WorkspaceSettingsChange } from "../domain/workspace-settings.js";
