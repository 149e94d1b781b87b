import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TenkiError } from "../../domain/error.js";
import { homeDirectory } from "../../domain/file.js";
import type { SandboxStats } from "../../domain/session-stats.js";
import type { Logger } from "../../lib/logger.js";
import type {
  DialOptions,
  DialTarget,
  GuestCommand,
  GuestFiles,
  GuestListener,
  GuestProcess,
  GuestStream,
  Runtime,
  SandboxFile,
  SandboxSpec,
  SandboxVolume,
  SpawnResult,
  SshServerProgram,
} from "../core/ports/runtime.js";
import { ociConfig } from "./bundle.js";
import { readCgroupLayout, type CgroupLayout } from "./cgroup-layout.js";
import { cgroupChildren, removeEmptyCgroup } from "./container-cgroup.js";
import { freezeCgroup, isFrozen, noFreezer, thawCgroup, type Freezer } from "./freezer.js";
import { GuestLink } from "./guest/guest-link.js";
import { recordInit, runningInit } from "./init-process.js";
import { readMachine, type Machine } from "./machine.js";
import { memoryObstacles } from "./memory-obstacles.js";
import { requireNamespaces } from "./namespaces.js";
import { NetworkReach } from "./network-reach.js";
import { findSshServer } from "./openssh.js";
import { pathFitsOverlay, prepareOverlays } from "./overlay.js";
import { preparedFiles, toHostname } from "./prepared-files.js";
import { readCgroupStats } from "./read-cgroup-stats.js";
import { readNetworkStats } from "./read-network-stats.js";
import { removeContainer, type ContainerPlace } from "./remove-container.js";
import { runContainer } from "./run-container.js";
import { selectRuntime, type OciRuntimeProgram } from "./select-runtime.js";
import { sessionDirectory, sessionsDirectory } from "./session-directory.js";
import { untilGuestAnswers } from "./until-guest-answers.js";
import { mountVolume, unmountVolume, type VolumeMountsOptions } from "./volume-mounts.js";

export interface OciRuntimeOptions {
  readonly dataDir: string;
  /** What tells this engine's cgroups from another's. */
  readonly instanceId: string;
  /** The cgroup that those of sandboxes are made in. Default: `/tenki-<instanceId>`. */
  readonly cgroupParent?: string | undefined;
  /** False: no limit for processor, memory and processes, for a user who may not set any. Default: true. */
  readonly limited?: boolean | undefined;
  /** A name or path; default: the one that suits this machine. */
  readonly ociRuntime?: string | undefined;
  /** The program that is pid 1 of each sandbox. */
  readonly guestBinary: string;
  readonly log: Logger;
}

/** Sandboxes as OCI containers. Throws `failed_precondition` where this machine cannot hold what it promises. */
export async function createOciRuntime(options: OciRuntimeOptions): Promise<Runtime> {
  const cgroups = readCgroupLayout();
  if (options.limited !== false && cgroups.missingControllers.length > 0) {
    throw new TenkiError(
      "failed_precondition",
      `sandboxes cannot be limited here: no cgroup controller for ${cgroups.missingControllers.join(", ")}`,
      { hint: "tenki engine doctor" },
    );
  }
  if (!pathFitsOverlay(options.dataDir)) {
    throw new TenkiError(
      "failed_precondition",
      `the data directory's path has a character that overlay mounts cannot take: ${options.dataDir}`,
      { hint: "choose a path without colon, comma, quotation mark and backslash" },
    );
  }
  const program = await selectRuntime({ cgroups: cgroups.version, requested: options.ociRuntime });
  await requireNamespaces();
  await mkdir(sessionsDirectory(options.dataDir), { recursive: true, mode: 0o700 });
  options.log.info("runtime chosen", { runtime: program.version, cgroups: cgroups.version });
  return new OciRuntime(options, program, cgroups, readMachine(process.arch, cgroups.boundsSwap));
}

class OciRuntime implements Runtime {
  readonly #options: OciRuntimeOptions;
  readonly #program: OciRuntimeProgram;
  readonly #cgroups: CgroupLayout;
  readonly #machine: Machine;
  readonly #reach: NetworkReach;
  #starting = 0;

  constructor(
    options: OciRuntimeOptions,
    program: OciRuntimeProgram,
    cgroups: CgroupLayout,
    machine: Machine,
  ) {
    this.#options = options;
    this.#program = program;
    this.#cgroups = cgroups;
    this.#machine = machine;
    this.#reach = new NetworkReach(options.guestBinary);
  }

  async start(spec: SandboxSpec, signal: AbortSignal): Promise<void> {
    const place = this.#place(spec.sessionId);
    if ((await mkdir(place.directory.path, { recursive: true, mode: 0o700 })) === undefined) {
      throw new TenkiError("internal", `there is a sandbox of this session already: ${spec.sessionId}`);
    }
    this.#starting += 1;
    try {
      await this.#start(spec, place, signal).finally(() => (this.#starting -= 1));
    } catch (error) {
      await this.stop(spec.sessionId);
      throw error;
    }
  }

  async #start(spec: SandboxSpec, place: ContainerPlace, signal: AbortSignal): Promise<void> {
    const began = performance.now();
    const { directory } = place;
    const hostname = toHostname(spec.hostname);
    const config = ociConfig({
      rootDirectory: directory.root,
      hostname,
      cgroupsPath: this.#options.limited === false ? undefined : place.cgroupPath,
      networkNamespacePath: spec.network.namespacePath,
      guestBinary: this.#options.guestBinary,
      limits: spec.limits,
      machine: this.#machine,
    });
    const [overlays] = await Promise.all([
      prepareOverlays(spec.image.mounts, spec.disk.directory, directory.root, this.#machine.rootless),
      mkdir(directory.root),
      writeFile(join(directory.bundle, "config.json"), JSON.stringify(config), { mode: 0o600 }),
    ]);
    const laid = performance.now();
    const { guestBinary, log } = this.#options;
    await runContainer({ ...place, guestBinary, overlays, signal });
    await recordInit(directory);
    const ran = performance.now();
    const link = new GuestLink(directory.socket);
    await untilGuestAnswers(link, signal);
    const answered = performance.now();
    await this.#prepare(link, spec, signal);
    const ready = performance.now();
    log.debug("sandbox started", {
      session: spec.sessionId,
      lay_ms: roundMs(laid - began),
      run_ms: roundMs(ran - laid),
      answer_ms: roundMs(answered - ran),
      prepare_ms: roundMs(ready - answered),
    });
  }

  /** A volume that is the home directory is there before the home directory is laid out, others are in it after. */
  async #prepare(link: GuestLink, spec: SandboxSpec, signal: AbortSignal): Promise<void> {
    const { sessionId, volumes, hostname } = spec;
    const isHome = ({ mountPath }: SandboxVolume) => mountPath === homeDirectory;
    for (const volume of volumes.filter(isHome)) await this.mountVolume(sessionId, volume);
    await link.prepare(preparedFiles(spec, toHostname(hostname)), signal);
    for (const volume of volumes.filter((each) => !isHome(each))) await this.mountVolume(sessionId, volume);
  }

  async isRunning(sessionId: string): Promise<boolean> {
    return (await runningInit(this.#place(sessionId).directory)) !== undefined;
  }

  async isPaused(sessionId: string): Promise<boolean> {
    const { freezer } = this.#cgroups;
    return freezer !== undefined && isFrozen(freezer, this.#place(sessionId).cgroupPath);
  }

  async pause(sessionId: string): Promise<void> {
    const freezer = this.#requireFreezer();
    const { cgroupPath } = this.#place(sessionId);
    // An ordinary user may have been given every hierarchy but this one.
    if (!existsSync(join(freezer.root, cgroupPath)) && (await this.isRunning(sessionId))) throw noFreezer();
    await freezeCgroup(freezer, cgroupPath);
  }

  async resume(sessionId: string): Promise<void> {
    await thawCgroup(this.#requireFreezer(), this.#place(sessionId).cgroupPath);
  }

  async stop(sessionId: string): Promise<void> {
    await removeContainer(this.#place(sessionId), this.#cgroups, this.#options.log);
    this.#removeCgroupParent();
  }

  spawn(sessionId: string, command: GuestCommand, signal: AbortSignal): Promise<SpawnResult> {
    return this.#link(sessionId).spawn(command, signal);
  }

  attach(
    sessionId: string,
    id: string,
    { outputOffset }: { readonly outputOffset: number },
    signal: AbortSignal,
  ): Promise<GuestProcess> {
    return this.#link(sessionId).attach(id, outputOffset, signal);
  }

  files(sessionId: string): GuestFiles {
    return this.#link(sessionId).files;
  }

  place(sessionId: string, files: readonly SandboxFile[], signal: AbortSignal): Promise<void> {
    return this.#link(sessionId).place(files, signal);
  }

  sshServer(): SshServerProgram {
    return findSshServer();
  }

  async dial(
    sessionId: string,
    target: DialTarget,
    options: DialOptions,
    signal: AbortSignal,
  ): Promise<GuestStream> {
    const timeoutMs = options.timeoutMs || directMsByDefault;
    const init =
      options.direct === true && "port" in target
        ? await runningInit(this.#place(sessionId).directory)
        : undefined;
    const reached =
      init && "port" in target
        ? await this.#reach.connect(init, { port: target.port, timeoutMs }, signal)
        : undefined;
    return reached ?? this.#link(sessionId).dial(target, options, signal);
  }

  listen(
    sessionId: string,
    options: { readonly address: string; readonly port: number },
    signal: AbortSignal,
  ): Promise<GuestListener> {
    return this.#link(sessionId).listen(options, signal);
  }

  async mountVolume(sessionId: string, volume: SandboxVolume): Promise<void> {
    await mountVolume(await this.#volumeMounts(sessionId), volume);
  }

  async unmountVolume(
    sessionId: string,
    volume: SandboxVolume,
    { force }: { readonly force: boolean },
  ): Promise<void> {
    const ownFileSystem = !this.#machine.rootless;
    await unmountVolume(await this.#volumeMounts(sessionId), volume, { force, ownFileSystem });
  }

  memoryObstacles(): Promise<readonly string[]> {
    return memoryObstacles({ machine: this.#machine, runtimeCommand: this.#program.command });
  }

  async stats(sessionId: string): Promise<SandboxStats> {
    const { directory, cgroupPath } = this.#place(sessionId);
    const init = await runningInit(directory);
    if (init === undefined) return {};
    const [cgroup, network] = await Promise.all([
      readCgroupStats(this.#cgroups.controllerRoots, cgroupPath),
      readNetworkStats(init),
    ]);
    return { ...cgroup, ...network };
  }

  async sweep(keep: ReadonlySet<string>): Promise<void> {
    const { dataDir } = this.#options;
    const found = await Promise.all([
      readdir(sessionsDirectory(dataDir)).catch(() => []),
      readdir(this.#runtimeRoot).catch(() => []),
      cgroupChildren(this.#cgroups.hierarchies, this.#cgroupParent),
    ]);
    for (const sessionId of new Set(found.flat())) {
      if (keep.has(sessionId)) continue;
      this.#options.log.info("removing a sandbox that belongs to no session", { session: sessionId });
      await this.stop(sessionId);
    }
    this.#removeCgroupParent();
  }

  /** Not while a sandbox starts: its runtime may be about to make its cgroup there. */
  #removeCgroupParent(): void {
    if (this.#starting === 0) removeEmptyCgroup(this.#cgroups.hierarchies, this.#cgroupParent);
  }

  #requireFreezer(): Freezer {
    if (this.#options.limited === false) {
      throw new TenkiError(
        "failed_precondition",
        "sessions cannot be paused with --isolation namespaces: there is no cgroup to make them stand still",
      );
    }
    if (this.#cgroups.freezer === undefined) throw noFreezer();
    return this.#cgroups.freezer;
  }

  async #volumeMounts(sessionId: string): Promise<VolumeMountsOptions> {
    const init = await runningInit(this.#place(sessionId).directory);
    if (init === undefined) throw new TenkiError("unavailable", "the sandbox does not answer");
    return { guestBinary: this.#options.guestBinary, init };
  }

  #link(sessionId: string): GuestLink {
    return new GuestLink(this.#place(sessionId).directory.socket, this.#options.guestBinary);
  }

  get #runtimeRoot(): string {
    return join(this.#options.dataDir, "runc");
  }

  get #cgroupParent(): string {
    return this.#options.cgroupParent ?? `/tenki-${this.#options.instanceId}`;
  }

  #place(sessionId: string): ContainerPlace {
    return {
      containerId: sessionId,
      runtimeCommand: this.#program.command,
      runtimeRoot: this.#runtimeRoot,
      directory: sessionDirectory(this.#options.dataDir, sessionId),
      cgroupPath: `${this.#cgroupParent}/${sessionId}`,
    };
  }
}

/** Nothing leaves the machine. */
const directMsByDefault = 10_000;

const roundMs = (ms: number): number => Math.round(ms * 10) / 10;
