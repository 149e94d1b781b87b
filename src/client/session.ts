import type { EgressUse } from "../domain/egress.js";
import type { Duplex } from "node:stream";
import type { FileInfo } from "../domain/file.js";
import type { ExposedPort, PreviewLink } from "../domain/preview-url.js";
import type { SessionInfo, VolumeAttachment } from "../domain/session.js";
import {
  type ArtifactLink,
  type ArtifactUpload,
  artifactDownloadUrl,
  artifactUploadUrl,
} from "./artifacts.js";
import type { ArtifactUploadOptions } from "./artifacts.js";
import { connectInside, type ConnectTarget, dial, type DialStream } from "./connections/connect.js";
import { exposeHostPort, type HostPortTunnel } from "./connections/host-port-tunnel.js";
import { joinHostPort } from "./connections/host-address.js";
import {
  ResilientHostPortTunnel,
  type ResilientHostPortTunnelOptions,
} from "./connections/resilient-tunnel.js";
import { getEgress } from "./egress.js";
import { exec } from "./exec.js";
import type { ExecResult } from "./exec-result.js";
import { SessionExecutions } from "./executions.js";
import * as files from "./files.js";
import { Git } from "./git.js";
import { OpenCode } from "./open-code.js";
import type { ExecOptions, StartOptions } from "./options/commands.js";
import type { DialOptions, ExposePortOptions, HostPortTunnelOptions } from "./options/connections.js";
import type {
  ListFilesOptions,
  MkdirOptions,
  ReadStreamOptions,
  RemoveOptions,
  WriteStreamOptions,
} from "./options/files.js";
import type { ForkOptions } from "./options/sessions.js";
import type { DetachVolumeOptions } from "./options/volumes.js";
import { exposePort, listExposedPorts, openPreview, unexposePort } from "./ports.js";
import { ProcessRunHandle, type ProcessRunOptions } from "./process-handle.js";
import { readFileStream, type FileReadStream } from "./read-file.js";
import type { Rpc } from "./rpc.js";
import { SessionLife } from "./session-life.js";
import { runCommand } from "./run-command.js";
import type { RunningCommand } from "./running-command.js";
import { connectSsh, type SSHOptions } from "./ssh.js";
import { getSshHostKeys } from "./ssh-authority.js";
import type { SSHConnection } from "./ssh-connection.js";
import { issueSshCert, type IssueSSHCertOptions, type SSHCert } from "./ssh-gateway.js";
import { openSshLane, type SSHLane, type SSHLaneOptions } from "./ssh-lane.js";
import { startStream, type Stream } from "./stream.js";
import { Volumes } from "./volumes.js";
import { writeFileStream, type ByteSource } from "./write-file.js";

/** One sandbox, and everything that can be done with it. Made by a `Client`. */
export class Session extends SessionLife {
  readonly git: Git;
  readonly openCode: OpenCode;
  /** Commands in it that outlive their caller. */
  readonly executions: SessionExecutions;
  readonly #rpc: Rpc;

  constructor(rpc: Rpc, known: SessionInfo | string) {
    super(rpc, known);
    this.#rpc = rpc;
    this.git = new Git(rpc, this.dataPlane);
    this.openCode = new OpenCode(this.dataPlane);
    this.executions = new SessionExecutions(rpc, this.id);
  }

  /** What it may reach, and what it tried besides; undefined where the service knows no lists. */
  egress(): Promise<EgressUse | undefined> {
    return getEgress(this.#rpc, this.id);
  }

  /** A session that begins as this one is now, on disk; its processes are not in it. */
  async fork(how?: ForkOptions): Promise<Session> {
    const { forkSession } = await import("./fork-session.js"); // which makes sessions itself
    return forkSession(this.#rpc, this, how);
  }

  /** Starts a program and hands back its streams as they are on the wire. */
  start(argv: readonly string[], how?: StartOptions): Promise<RunningCommand> {
    return runCommand(this.dataPlane, argv, how);
  }

  /** Runs a program to its end. A shell line needs a shell: `exec("sh", { args: ["-c", line] })`. */
  exec(command: string, how?: ExecOptions): Promise<ExecResult> {
    return exec(this.dataPlane, command, how);
  }

  /** Runs a program whose output is read as it comes. */
  stream(command: string, how?: ExecOptions): Promise<Stream> {
    return startStream(this.dataPlane, command, how);
  }

  /** Runs a program with web streams; awaiting it gives its result. */
  run(argv: readonly string[], how?: ProcessRunOptions): ProcessRunHandle {
    return new ProcessRunHandle(this.dataPlane, argv, how);
  }

  readFile(path: string): Promise<Uint8Array> {
    return files.readFile(this.dataPlane, path);
  }

  writeFile(path: string, data: Uint8Array | string, how?: WriteStreamOptions): Promise<void> {
    return files.writeFile(this.dataPlane, path, data, how);
  }

  readFileStream(path: string, how?: ReadStreamOptions): Promise<FileReadStream> {
    return readFileStream(this.dataPlane, path, how);
  }

  writeFileStream(path: string, source: ByteSource, how?: WriteStreamOptions): Promise<number> {
    return writeFileStream(this.dataPlane, path, source, how);
  }

  /** Undefined where nothing is at that path. */
  stat(path: string): Promise<FileInfo | undefined> {
    return files.stat(this.dataPlane, path);
  }

  mkdir(path: string, how?: MkdirOptions): Promise<void> {
    return files.mkdir(this.dataPlane, path, how);
  }

  /** Resolves with the number of entries removed. */
  remove(path: string, how?: RemoveOptions): Promise<number> {
    return files.remove(this.dataPlane, path, how);
  }

  list(path: string, how?: ListFilesOptions): Promise<FileInfo[]> {
    return files.list(this.dataPlane, path, how);
  }

  /** A link by which anybody may put a file at that path for a short time; and what asks for links to it. */
  artifactUploadUrl(path: string, how?: ArtifactUploadOptions): Promise<ArtifactUpload> {
    return artifactUploadUrl(this.#rpc, this.id, path, how);
  }

  artifactDownloadUrl(artifactId: string): Promise<ArtifactLink> {
    return artifactDownloadUrl(this.#rpc, artifactId);
  }

  /** Connects to a unix socket inside, with web streams. `connect` gives a Node stream, and reaches ports. */
  dial(unixSocketPath: string, how?: DialOptions): Promise<DialStream> {
    return dial(this.dataPlane, unixSocketPath, how);
  }

  /** Connects to a unix socket or a port inside; a port is not exposed by it. Throws `DialFailedError`. */
  connect(target: ConnectTarget, how?: DialOptions): Promise<Duplex> {
    return connectInside(this.dataPlane, target, how);
  }

  /** Makes `host:port`, as this machine reaches it, a port inside. */
  exposeHostPort(hostAddr: string, how?: HostPortTunnelOptions): Promise<HostPortTunnel> {
    return exposeHostPort(this.dataPlane, hostAddr, how);
  }

  /** The same, which comes back by itself when it was lost. */
  exposeHostPortResilient(
    hostAddr: string,
    how?: ResilientHostPortTunnelOptions,
  ): Promise<ResilientHostPortTunnel> {
    return ResilientHostPortTunnel.open(this.dataPlane, hostAddr, how);
  }

  hostPortTunnel(host: string, port: number, how?: HostPortTunnelOptions): Promise<HostPortTunnel> {
    return this.exposeHostPort(joinHostPort(host, port), how);
  }

  resilientHostPortTunnel(
    host: string,
    port: number,
    how?: ResilientHostPortTunnelOptions,
  ): Promise<ResilientHostPortTunnel> {
    return this.exposeHostPortResilient(joinHostPort(host, port), how);
  }

  exposePort(port: number, how?: ExposePortOptions): Promise<ExposedPort> {
    return exposePort(this.#rpc, this.id, port, how);
  }

  openPreview(port: number, how?: { readonly ttlMs?: number | undefined }): Promise<PreviewLink> {
    return openPreview(this.#rpc, this.id, port, how);
  }

  unexposePort(port: number): Promise<void> {
    return unexposePort(this.#rpc, this.id, port);
  }

  listExposedPorts(): Promise<ExposedPort[]> {
    return listExposedPorts(this.#rpc, this.id);
  }

  attachVolume(
    volumeId: string,
    mountPath: string,
    how: { readonly readOnly?: boolean | undefined } = {},
  ): Promise<VolumeAttachment> {
    return new Volumes(this.#rpc).attach(this.id, { volumeId, mountPath, readOnly: how.readOnly });
  }

  detachVolume(volumeId: string, how?: DetachVolumeOptions): Promise<void> {
    return new Volumes(this.#rpc).detach(this.id, volumeId, how);
  }

  async updateSshAuthorizedKeys(keys: readonly string[]): Promise<void> {
    await this.#rpc.sandbox("updateSSHAuthorizedKeys", { sessionId: this.id, sshAuthorizedKeys: [...keys] });
  }

  /** As `ssh`, by the engine's unix socket; undefined where that does not lead there. */
  sshLane(how: SSHLaneOptions): Promise<SSHLane | undefined> {
    return openSshLane(this.#rpc, this.id, how);
  }

  /** A raw byte stream to its SSH server. */
  ssh(how?: SSHOptions): Promise<SSHConnection> {
    return connectSsh(this.#rpc, this.id, how);
  }

  /** Of its SSH server. A service other than tenki's engine may not tell: `CapabilityUnavailableError`. */
  getSshHostKeys(): Promise<string[]> {
    return getSshHostKeys(this.#rpc, this.id);
  }

  issueSshCert(publicKey: string, how?: IssueSSHCertOptions): Promise<SSHCert> {
    return issueSshCert(this.#rpc, this.id, publicKey, how);
  }

  gitOperation(operation: string, args: Readonly<Record<string, string>>): Promise<string> {
    return this.git.operation(operation, args);
  }
}
