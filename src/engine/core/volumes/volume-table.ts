import { TenkiError } from "../../../domain/error.js";
import type { VolumeAttachment } from "../../../domain/session.js";
import type { Volume } from "../../../domain/volume.js";
import type { Store } from "../ports/store.js";
import type { VolumeRecord, VolumeStore } from "../ports/volume-store.js";
import type { VolumeMount } from "./volume-requests.js";

/** What is known of volumes, and of who has them: that is in the records of the sessions alone. */
export class VolumeTable {
  readonly store: VolumeStore;
  readonly #sessions: Pick<Store, "liveSessions">;

  constructor(store: VolumeStore, sessions: Pick<Store, "liveSessions">) {
    this.store = store;
    this.#sessions = sessions;
  }

  /** One that is there for its users; an unknown id is `not_found`. */
  get(id: string): VolumeRecord {
    const record = this.store.getVolume(id);
    if (record === undefined || record.state === "CREATING") {
      throw new TenkiError("not_found", `volume not found: ${id}`);
    }
    return record;
  }

  /** As `get`, and not on its way out. */
  requireKept(id: string): VolumeRecord {
    const record = this.get(id);
    if (record.state === "AVAILABLE") return record;
    throw new TenkiError("failed_precondition", `the volume is being deleted: ${id}`);
  }

  attachmentsOf(id: string): VolumeAttachment[] {
    return this.attachments().filter(({ volumeId }) => volumeId === id);
  }

  /** Of every session that is not over, also of one that is paused. */
  attachments(): VolumeAttachment[] {
    return this.#sessions.liveSessions().flatMap(({ volumes }) => volumes);
  }

  /** The volumes that sessions have which own processes, or are about to. */
  openIds(): Set<string> {
    const holding = this.#sessions.liveSessions().filter(({ processesLost }) => processesLost !== true);
    return new Set(holding.flatMap(({ volumes }) => volumes.map(({ volumeId }) => volumeId)));
  }

  describe(record: VolumeRecord, attachments = this.attachmentsOf(record.id)): Volume {
    const { state: kept, ...volume } = record;
    const state = kept === "DELETING" ? kept : attachments.length > 0 ? "IN_USE" : "AVAILABLE";
    return { ...volume, state, activeAttachments: attachments };
  }

  /** One session may write, or any number may read. */
  requireAttachable({ volumeId, readonly }: VolumeMount, sessionId: string): void {
    this.requireKept(volumeId);
    const held = this.attachmentsOf(volumeId);
    const own = held.find((attachment) => attachment.sessionId === sessionId);
    if (own !== undefined) throw attached(`to this session already, at ${own.mountPath}`);
    const writer = held.find((attachment) => !attachment.readonly);
    const other = writer ?? (readonly ? undefined : held[0]);
    if (other === undefined) return;
    throw attached(
      writer === undefined
        ? `to session ${other.sessionId} for reading: nobody can write to it meanwhile`
        : `to session ${other.sessionId}, which can write to it: nobody else can have it meanwhile`,
      `tenki sandbox volume detach ${other.sessionId} ${volumeId}`,
    );
  }
}

/** In words that clients look for. */
export const attached = (where: string, hint?: string): TenkiError =>
  new TenkiError("failed_precondition", `volume is attached ${where}`, { hint });
