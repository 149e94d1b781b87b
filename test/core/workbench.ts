import { Access } from "../../src/engine/core/access/access.js";
import type { SessionRecord } from "../../src/engine/core/ports/store.js";
import { Reaper } from "../../src/engine/core/sessions/reaper.js";
import type {
  CreateSession,
  ListSessions,
  UpdateSession,
} from "../../src/engine/core/sessions/session-requests.js";
import { Sessions } from "../../src/engine/core/sessions/sessions.js";
import { Snapshots } from "../../src/engine/core/snapshots/snapshots.js";
import { Volumes } from "../../src/engine/core/volumes/volumes.js";
import { WorkspaceLimits } from "../../src/engine/core/workspace/workspace-limits.js";
import { WorkspaceSettings } from "../../src/engine/core/workspace/workspace-settings.js";
import { MemoryStore } from "../../src/engine/store/memory-store.js";
import { type Logger, type LogLevel, silentLogger } from "../../src/lib/logger.js";
import { FakeClock, settle } from "./fake-clock.js";
import { InMemoryParts } from "./in-memory-parts.js";

export const token = "tk_the_engine's_token";

/** An engine's core on parts in memory, whose process can be lost. */
export class Workbench {
  readonly store: MemoryStore;
  readonly parts = new InMemoryParts();
  readonly clock = new FakeClock();
  readonly access: Access;
  readonly settings: WorkspaceSettings;
  readonly limits: WorkspaceLimits;
  /** What was logged, by level. */
  readonly logged: { level: LogLevel; message: string; text: string }[] = [];
  sessions: Sessions;
  volumes: Volumes;
  snapshots: Snapshots;
  /** Told of each change of a session's state. */
  onMove: (session: SessionRecord) => void = () => undefined;

  constructor(store = new MemoryStore()) {
    this.store = store;
    this.access = new Access(store, token);
    this.settings = new WorkspaceSettings(store);
    this.limits = new WorkspaceLimits(store, this.settings);
    this.volumes = this.#newVolumes();
    this.snapshots = this.#newSnapshots();
    this.sessions = this.#newSessions();
  }

  /** The process is gone in the middle of whatever it did; a new one finds the same store and the same machine. */
  lose(): Sessions {
    this.volumes = this.#newVolumes();
    this.snapshots = this.#newSnapshots();
    this.sessions = this.#newSessions();
    return this.sessions;
  }

  reaper(): Reaper {
    return new Reaper([this.sessions, this.snapshots], this.clock);
  }

  create(request: Partial<CreateSession> = {}): SessionRecord {
    return this.sessions.create({ ...defaults, ...request });
  }

  async createRunning(request: Partial<CreateSession> = {}): Promise<SessionRecord> {
    return this.until(this.create(request).id, "RUNNING");
  }

  /** The record once it is in `state`; what it takes must need no time to pass. */
  async until(id: string, state: SessionRecord["state"]): Promise<SessionRecord> {
    for (let turn = 0; turn < 50; turn += 1) {
      const record = this.sessions.get(id);
      if (record.state === state) return record;
      await settle();
    }
    throw new Error(`still ${this.sessions.get(id).state}, not ${state}`);
  }

  update(id: string, request: Partial<UpdateSession>): Promise<SessionRecord> {
    return this.sessions.update(id, { tags: [], clearTags: false, ...request });
  }

  list(request: Partial<ListSessions> = {}) {
    return this.sessions.list({ includeTerminated: false, tags: [], pageSize: 0, pageToken: "", ...request });
  }

  #newSessions(): Sessions {
    const { store, parts, clock, access, limits, settings, volumes, snapshots } = this;
    const onMove = (session: SessionRecord) => this.onMove(session);
    return new Sessions({
      ...{ store, parts, clock, access, limits, settings, volumes, snapshots },
      log: this.logger(),
      onMove,
    });
  }

  #newVolumes(): Volumes {
    const { store, parts, clock, access, limits } = this;
    return new Volumes({ store, disks: parts.volumes, clock, access, limits, log: this.logger() });
  }

  #newSnapshots(): Snapshots {
    const { store, parts, clock, access, limits, settings } = this;
    const log = this.logger();
    return new Snapshots({ store, disks: parts.snapshots, clock, access, limits, settings, log });
  }

  logger(): Logger {
    const at = (level: LogLevel) => (message: string, fields?: object) =>
      void this.logged.push({ level, message, text: JSON.stringify(fields ?? {}) });
    return { ...silentLogger, info: at("info"), warn: at("warn"), error: at("error") };
  }
}

const defaults: CreateSession = {
  name: "",
  ownerId: "self",
  sticky: false,
  metadata: {},
  env: {},
  tags: [],
  sshAuthorizedKeys: [],
  cloneRepoUrl: "",
  image: "",
  volumes: [],
};

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

export const nothing = { sandboxes: 0, networks: 0, disks: 0 };
export const oneOfEach = { sandboxes: 1, networks: 1, disks: 1 };
