import { defaultEnginePort } from "../domain/engine-state.js";
import { TenkiError } from "../domain/error.js";
import type { Logger } from "../lib/logger.js";
import { systemClock } from "./clock/system-clock.js";
import { Access } from "./core/access/access.js";
import { Artifacts } from "./core/files/artifacts.js";
import { Connections } from "./core/connections/connections.js";
import { Commands } from "./core/commands/commands.js";
import { Credentials } from "./core/access/credentials.js";
import { Executions } from "./core/executions/executions.js";
import { Files } from "./core/files/files.js";
import { Git } from "./core/git/git.js";
import { assemblePreviews, type PreviewParts } from "./core/previews/assemble-previews.js";
import { Reaper } from "./core/sessions/reaper.js";
import type { ArtifactStore } from "./core/ports/artifact-store.js";
import type { ExecutionStore } from "./core/ports/execution-store.js";
import type { OutputLogs } from "./core/ports/output-logs.js";
import type { SshKeys } from "./core/ports/ssh-keys.js";
import type { PreviewStore } from "./core/ports/preview-store.js";
import type { Store } from "./core/ports/store.js";
import type { SnapshotStore } from "./core/ports/snapshot-store.js";
import type { VolumeStore } from "./core/ports/volume-store.js";
import { Sessions } from "./core/sessions/sessions.js";
import { SignedLinks } from "./core/access/signed-links.js";
import { Certificates } from "./core/ssh/certificates.js";
import { SshServers } from "./core/ssh/ssh-servers.js";
import { Snapshots } from "./core/snapshots/snapshots.js";
import { Stats } from "./core/sessions/stats.js";
import { WorkspaceLimits } from "./core/workspace/workspace-limits.js";
import { Volumes } from "./core/volumes/volumes.js";
import { previewHosts } from "./doors/preview-hosts.js";
import { LoopbackDoors } from "./doors/loopback-doors.js";
import { WorkspaceSettings } from "./core/workspace/workspace-settings.js";
import type { Isolation } from "./isolation.js";
import { readTls, type TlsFiles } from "./instance/tls-files.js";
import { parseListenAddress } from "./server/listen-address.js";
import { type RunningServer, startServer } from "./server/server.js";
import { ArtifactLinks } from "./services/artifact-links.js";
import { artifactRoute } from "./services/artifact-route.js";
import { DataPlaneAccess } from "./services/data-plane-access.js";
import { createServices } from "./services/services.js";
import { SnapshotLinks } from "./services/snapshot-links.js";
import { snapshotRoute } from "./services/snapshot-route.js";
import { sshBridgeRoute } from "./services/ssh-bridge.js";

export interface ServeOptions extends TlsFiles {
  readonly token: string;
  readonly isolation: Isolation;
  readonly store: EngineStore;
  readonly outputs: OutputLogs;
  readonly sshKeys: SshKeys;
  /** Also what passes on large bodies through exposed ports. */
  readonly guestBinary: string;
  readonly listen?: string | undefined;
  readonly insecureListen?: boolean | undefined;
  /** In a directory that is nobody else's. Default: none. */
  readonly socketPath?: string | undefined;
  readonly publicUrl?: string | undefined;
  /** Names below it lead to previews. Default: they have ports of loopback only. */
  readonly previewDomain?: string | undefined;
  readonly log: Logger;
}

interface EngineStore extends Store {
  readonly executions: ExecutionStore;
  readonly artifacts: ArtifactStore;
  readonly previews: PreviewStore;
  readonly volumes: VolumeStore;
  readonly snapshots: SnapshotStore;
}

/** Record, rules and adapters together, behind one port. */
export class Engine {
  readonly #options: ServeOptions;
  readonly #store: Store;
  readonly #access: Access;
  readonly #settings: WorkspaceSettings;
  readonly #limits: WorkspaceLimits;
  readonly #volumes: Volumes;
  readonly #snapshots: Snapshots;
  readonly #sessions: Sessions;
  readonly #reaper: Reaper;
  readonly #commands: Commands;
  readonly #executions: Executions;
  readonly #doors: LoopbackDoors;
  readonly #previews: PreviewParts;
  readonly #stopping = new AbortController();
  #server: RunningServer | undefined;

  /** Finds what an earlier engine left, and serves. */
  static async start(options: ServeOptions): Promise<Engine> {
    const engine = new Engine(options);
    try {
      await engine.#start();
    } catch (error) {
      await engine.stop();
      throw error;
    }
    return engine;
  }

  private constructor(options: ServeOptions) {
    const { store, token, isolation, outputs, log } = options;
    this.#options = options;
    this.#doors = new LoopbackDoors(options.guestBinary);
    this.#store = store;
    this.#access = new Access(this.#store, token);
    this.#settings = new WorkspaceSettings(this.#store);
    this.#limits = new WorkspaceLimits(this.#store, this.#settings);
    this.#volumes = new Volumes({
      ...{ store, disks: isolation.volumes, clock: systemClock },
      ...{ access: this.#access, limits: this.#limits, log },
    });
    this.#snapshots = new Snapshots({
      ...{ store, disks: isolation.snapshots, clock: systemClock, access: this.#access },
      ...{ limits: this.#limits, settings: this.#settings, log },
    });
    this.#sessions = new Sessions({
      store: this.#store,
      parts: isolation,
      clock: systemClock,
      access: this.#access,
      limits: this.#limits,
      settings: this.#settings,
      volumes: this.#volumes,
      snapshots: this.#snapshots,
      log,
      onMove: (session) => this.#previews.lives.sessionMoved(session),
    });
    this.#reaper = new Reaper([this.#sessions, this.#snapshots], systemClock);
    this.#commands = new Commands(this.#sessions, isolation.runtime);
    this.#executions = new Executions({
      store: store.executions,
      logs: outputs,
      sessions: this.#sessions,
      commands: this.#commands,
      runtime: isolation.runtime,
      clock: systemClock,
      key: this.#access.workspaceId,
      log,
    });
    this.#previews = assemblePreviews({
      store,
      sessions: this.#sessions,
      access: this.#access,
      limits: this.#limits,
      doors: this.#doors,
      dial: (sessionId, port, signal) =>
        isolation.runtime.dial(sessionId, { port }, { timeoutMs: 0, direct: true }, signal),
      clock: systemClock,
      log,
      domain: options.previewDomain,
      engineUrl: () => options.publicUrl ?? this.url,
    });
  }

  get url(): string {
    return this.#server?.url ?? "";
  }

  /** Stops serving; sandboxes run on. */
  async stop(): Promise<void> {
    this.#stopping.abort(new TenkiError("unavailable", "the engine is stopping"));
    await this.#server?.stop();
    this.#previews.lives.close();
    this.#reaper.stop();
    await this.#executions.close();
    await this.#sessions.close();
    await this.#snapshots.close();
    await this.#volumes.close();
    await this.#options.isolation.close({ sessionsLeft: this.#sessions.countLive() > 0 });
  }

  async #start(): Promise<void> {
    let begin: () => void = () => undefined;
    const ready = new Promise<void>((resolve) => (begin = resolve));
    // The port first: that it is taken shows before anything is made.
    this.#server = await this.#listen(ready);
    await this.#sessions.recover();
    await this.#volumes.recover();
    await this.#snapshots.recover();
    await this.#executions.recover();
    await this.#previews.lives.recover();
    await this.#options.isolation.images.resolve("");
    await this.#reaper.tick();
    begin();
  }

  #listen(ready: Promise<unknown>): Promise<RunningServer> {
    const { isolation, listen, insecureListen, socketPath, publicUrl, log } = this.#options;
    const access = this.#access;
    const sessions = this.#sessions;
    const credentials = new Credentials(this.#store, systemClock);
    const files = new Files(sessions, isolation.runtime, isolation.disks);
    const { artifacts: store } = this.#options.store;
    const artifacts = new Artifacts({ store, sessions, files, clock: systemClock });
    const artifactLinks = new ArtifactLinks(new SignedLinks(this.#store, systemClock), publicUrl);
    const snapshotLinks = new SnapshotLinks(new SignedLinks(this.#store, systemClock), publicUrl);
    const { runtime } = isolation;
    const { sshKeys: keys } = this.#options;
    const certificates = new Certificates({ sessions, keys, clock: systemClock });
    const sshServers = new SshServers({ sessions, runtime, keys, certificates });
    return startServer({
      listen: {
        ...parseListenAddress(listen ?? `127.0.0.1:${defaultEnginePort}`),
        insecure: insecureListen,
        socketPath,
        tls: readTls(this.#options),
      },
      auth: {
        checkToken: (token) => access.checkToken(token),
        verifyCredential: (credential) => credentials.verify(credential),
      },
      services: createServices({
        access,
        sessions,
        volumes: this.#volumes,
        snapshots: this.#snapshots,
        snapshotLinks,
        settings: this.#settings,
        limits: this.#limits,
        commands: this.#commands,
        executions: this.#executions,
        connections: new Connections({ sessions, runtime, clock: systemClock }),
        clock: systemClock,
        files,
        git: new Git(sessions, isolation.runtime),
        artifacts,
        artifactLinks,
        previews: this.#previews,
        images: isolation.images,
        runtime,
        stats: new Stats({ store: this.#store, sessions, parts: isolation, clock: systemClock }),
        dataPlane: new DataPlaneAccess(credentials, publicUrl),
        ssh: { certificates, sshServers, clock: systemClock, publicUrl },
        stopping: this.#stopping.signal,
      }),
      upgrades: [
        sshBridgeRoute({
          sessions,
          sshServers,
          checkToken: (token) => access.checkToken(token),
          credentials,
          ready,
          stopping: this.#stopping.signal,
          log,
        }),
      ],
      hosts: previewHosts(this.#previews.previews, this.#doors),
      routes: [
        artifactRoute({ artifacts, links: artifactLinks, log }),
        snapshotRoute({ sessions, snapshots: this.#snapshots, links: snapshotLinks, log }),
      ],
      ready,
      log,
    });
  }
}
