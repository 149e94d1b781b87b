import { randomUUID } from "node:crypto";
import { TenkiError } from "../../../domain/error.js";
import type { VolumeAttachment } from "../../../domain/session.js";
import type { KeyedMutex } from "../../../lib/keyed-mutex.js";
import { areApart, checkMountPath } from "../volumes/mount-path.js";
import type { Runtime, SandboxVolume } from "../ports/runtime.js";
import type { SessionRecord } from "../ports/store.js";
import { wrongState } from "./session-states.js";
import type { SessionTable } from "./session-table.js";
import type { SessionUse } from "./session-use.js";
import type { VolumeMount } from "../volumes/volume-requests.js";
import type { Volumes } from "../volumes/volumes.js";

export interface SessionVolumesOptions {
  readonly table: SessionTable;
  readonly runtime: Runtime;
  readonly volumes: Volumes;
  readonly turns: KeyedMutex;
  readonly use: SessionUse;
}

/** Each is a mount, for the host and in the sandbox. */
const volumesPerSession = 32;

/** The volumes of sessions: recorded before they are mounted, and until they are not. */
export class SessionVolumes {
  readonly #options: SessionVolumesOptions;

  constructor(options: SessionVolumesOptions) {
    this.#options = options;
  }

  /** What a new session is to begin with, where it may have that; for its record, before anything is awaited. */
  plan(sessionId: string, mounts: readonly VolumeMount[]): VolumeAttachment[] {
    return mounts.reduce<VolumeAttachment[]>(
      (planned, mount) => [...planned, this.#plan(sessionId, mount, planned)],
      [],
    );
  }

  /** Opens all that a session has, for its sandbox to be started with. */
  open({ volumes }: SessionRecord): Promise<SandboxVolume[]> {
    return Promise.all(volumes.map((attachment) => this.#open(attachment)));
  }

  /** What was written to them outlasts a loss of power. */
  async persist({ volumes }: SessionRecord): Promise<void> {
    for (const { volumeId, readonly } of volumes) {
      if (!readonly) await this.#options.volumes.persist(volumeId);
    }
  }

  /** Nothing of the sandbox is left that could use them. */
  async letGo({ id, volumes }: SessionRecord): Promise<void> {
    for (const { volumeId } of volumes) await this.#options.volumes.letGo(volumeId, id);
  }

  /** Mounts one in a running session; on failure nothing is left of it. */
  attach(id: string, mount: VolumeMount): Promise<VolumeAttachment> {
    const { table, runtime, turns, use, volumes } = this.#options;
    return turns.run(id, async () => {
      const attachment = this.#plan(id, mount, use.requireRunning(id).volumes);
      const letGo = use.hold(id);
      table.change(id, { volumes: [...table.get(id).volumes, attachment] });
      try {
        await runtime.mountVolume(id, await this.#open(attachment));
      } catch (error) {
        this.#drop(attachment);
        await volumes.letGo(mount.volumeId, id);
        throw error;
      } finally {
        letGo();
      }
      return this.#set(attachment, "ATTACHED");
    });
  }

  /**
   * Takes one away from a session, running or paused, once what was written is safe. Refused where a process has
   * something open on it; `force` kills such processes.
   */
  detach(id: string, volumeId: string, force: boolean): Promise<void> {
    const { table, turns, volumes } = this.#options;
    return turns.run(id, async () => {
      const session = table.get(id);
      const attachment = session.volumes.find((each) => each.volumeId === volumeId);
      if (attachment === undefined) throw notAttached(id, volumeId);
      if (!detachable.has(session.state)) {
        throw new TenkiError("failed_precondition", wrongState(session.state));
      }
      this.#set(attachment, "DETACHING");
      try {
        await this.#unmount(session, attachment, force);
      } catch (error) {
        this.#set(attachment, "ATTACHED");
        throw error;
      }
      this.#drop(attachment);
      await volumes.letGo(volumeId, id);
    });
  }

  /** After a start, in the session's turn: what the last engine had begun and not recorded as done. */
  async settle(session: SessionRecord): Promise<void> {
    for (const attachment of session.volumes) {
      if (attachment.state === "ATTACHED") continue;
      try {
        await this.#unmount(session, attachment, false);
        this.#drop(attachment);
      } catch (error) {
        this.#options.table.logFailure(session.id, error);
        this.#set(attachment, "ATTACHED"); // somebody uses it: so it is
      }
    }
  }

  async #unmount(session: SessionRecord, attachment: VolumeAttachment, force: boolean): Promise<void> {
    if (session.processesLost === true) return; // there is nothing that it could be mounted in
    const { runtime, volumes } = this.#options;
    const volume = await this.#open(attachment);
    if (!attachment.readonly) await volumes.persist(attachment.volumeId);
    // What stands still cannot be killed before it goes on.
    await runtime.unmountVolume(session.id, volume, { force: force && session.state === "RUNNING" });
  }

  #plan(sessionId: string, mount: VolumeMount, others: readonly VolumeAttachment[]): VolumeAttachment {
    const { volumeId, readonly } = mount;
    const mountPath = checkMountPath(mount.mountPath);
    const twice = others.some((other) => other.volumeId === volumeId);
    if (twice)
      throw new TenkiError("failed_precondition", `volume is attached to this session already: ${volumeId}`);
    const neighbour = others.find((other) => !areApart(mountPath, other.mountPath));
    if (neighbour !== undefined) {
      const taken = `mount path ${mountPath} is taken: volume ${neighbour.volumeId} is mounted at ${neighbour.mountPath}`;
      throw new TenkiError("already_exists", taken);
    }
    if (others.length >= volumesPerSession) {
      throw new TenkiError("resource_exhausted", `a session has at most ${volumesPerSession} volumes`);
    }
    this.#options.volumes.table.requireAttachable(mount, sessionId);
    return { id: randomUUID(), volumeId, sessionId, mountPath, readonly, state: "ATTACHING" };
  }

  async #open({ volumeId, mountPath, readonly }: VolumeAttachment): Promise<SandboxVolume> {
    return { directory: await this.#options.volumes.open(volumeId), mountPath, readonly };
  }

  #set(attachment: VolumeAttachment, state: string): VolumeAttachment {
    const { table } = this.#options;
    const changed = { ...attachment, state };
    const { volumes } = table.get(attachment.sessionId);
    table.change(attachment.sessionId, {
      volumes: volumes.map((each) => (each.id === attachment.id ? changed : each)),
    });
    return changed;
  }

  #drop({ sessionId, id }: VolumeAttachment): void {
    const { table } = this.#options;
    table.change(sessionId, { volumes: table.get(sessionId).volumes.filter((each) => each.id !== id) });
  }
}

const detachable: ReadonlySet<SessionRecord["state"]> = new Set(["RUNNING", "PAUSED", "USER_SHUTDOWN"]);

const notAttached = (id: string, volumeId: string): TenkiError =>
  new TenkiError("not_found", `volume not found in session ${id}: ${volumeId} is not attached to it`);
