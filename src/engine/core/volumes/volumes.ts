import { randomUUID } from "node:crypto";
import { TenkiError } from "../../../domain/error.js";
import type { Volume } from "../../../domain/volume.js";
import { formatByteSize } from "../../../lib/byte-size.js";
import { KeyedMutex } from "../../../lib/keyed-mutex.js";
import type { Logger } from "../../../lib/logger.js";
import type { Access } from "../access/access.js";
import { defaultPageSize } from "../workspace/limits.js";
import { decodePageToken, encodePageToken } from "../page-token.js";
import type { Clock } from "../ports/clock.js";
import type { Store } from "../ports/store.js";
import type { VolumeDisks } from "../ports/volume-disks.js";
import type { VolumeRecord, VolumeStore } from "../ports/volume-store.js";
import type { CreateVolume, ListVolumes, UpdateVolume } from "./volume-requests.js";
import { checkVolumeName } from "./volume-name.js";
import { attached, VolumeTable } from "./volume-table.js";
import type { WorkspaceLimits } from "../workspace/workspace-limits.js";

export interface VolumesOptions {
  readonly store: Store & { readonly volumes: VolumeStore };
  readonly disks: VolumeDisks;
  readonly clock: Clock;
  readonly access: Access;
  readonly limits: WorkspaceLimits;
  readonly log: Logger;
}

/** Every volume of this engine: what may happen to it, one thing after another. */
export class Volumes {
  readonly table: VolumeTable;
  readonly #options: VolumesOptions;
  readonly #turns = new KeyedMutex();

  constructor(options: VolumesOptions) {
    const { store, limits } = options;
    this.#options = options;
    this.table = new VolumeTable(store.volumes, store);
    limits.hold("volumes", {
      count: () => this.#counted().length,
      bytes: () => this.#counted().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    });
  }

  async create(request: CreateVolume): Promise<Volume> {
    const { access, clock, limits, disks } = this.#options;
    const createdAt = clock.now();
    const record: VolumeRecord = {
      id: randomUUID(),
      workspaceId: access.resolveWorkspace(request.workspaceId),
      projectId: access.resolveProject(request.projectId),
      name: checkVolumeName(request.name),
      sizeBytes: request.sizeBytes,
      state: "CREATING",
      tags: [],
      createdAt,
      updatedAt: createdAt,
    };
    if (disks.unavailable !== undefined) throw new TenkiError("failed_precondition", disks.unavailable);
    limits.checkKept("volumes", record.sizeBytes);
    this.#store.insertVolume(record);
    return this.#turns.run(record.id, () => this.#make(record));
  }

  get(id: string): Volume {
    return this.table.describe(this.table.get(id));
  }

  list(request: ListVolumes): { readonly volumes: readonly Volume[]; readonly nextPageToken: string } {
    const { access } = this.#options;
    const key = access.resolveWorkspace(request.workspaceId);
    access.resolveProject(request.projectId);
    const after = request.pageToken === "" ? undefined : decodePageToken(request.pageToken, key);
    const { volumes, next } = this.#store.listVolumes({ size: request.pageSize || defaultPageSize, after });
    const attachments = this.table.attachments();
    const of = (id: string) => attachments.filter(({ volumeId }) => volumeId === id);
    return {
      volumes: volumes.map((record) => this.table.describe(record, of(record.id))),
      nextPageToken: next === undefined ? "" : encodePageToken(next, key),
    };
  }

  update(id: string, { name, tags, clearTags }: UpdateVolume): Promise<Volume> {
    return this.#turns.run(id, async () =>
      this.#change(this.table.requireKept(id), {
        ...(name === undefined ? {} : { name: checkVolumeName(name) }),
        ...(clearTags || tags.length > 0 ? { tags: clearTags ? [] : [...new Set(tags)] } : {}),
      }),
    );
  }

  /** At once, also while it is attached; refused below what is on it. */
  resize(id: string, sizeBytes: number): Promise<Volume> {
    return this.#turns.run(id, async () => {
      const record = this.table.requireKept(id);
      if (sizeBytes > record.sizeBytes) return this.#grow(record, sizeBytes);
      return sizeBytes < record.sizeBytes ? this.#shrink(record, sizeBytes) : this.table.describe(record);
    });
  }

  /** With what is on it; refused while a session has it. */
  async delete(id: string): Promise<void> {
    const record = this.table.get(id);
    const [holder] = this.table.attachmentsOf(id);
    if (holder !== undefined) {
      throw attached(
        `to session ${holder.sessionId}`,
        `tenki sandbox volume detach ${holder.sessionId} ${id}`,
      );
    }
    this.#store.updateVolume({ ...record, state: "DELETING" });
    await this.#turns.run(id, () => this.#remove(record));
  }

  /** Makes it ready for a session that the record says has it; resolves with a directory of the host's. */
  open(id: string): Promise<string> {
    return this.#turns.run(id, async () => this.#options.disks.open(id, this.table.get(id).sizeBytes));
  }

  persist(id: string): Promise<void> {
    return this.#turns.run(id, () => this.#options.disks.persist(id));
  }

  /** Closes it where no other session has it. What cannot be closed stays open, and is closed at the next start. */
  async letGo(id: string, sessionId: string): Promise<void> {
    await this.#turns
      .run(id, async () => {
        const others = this.table
          .attachmentsOf(id)
          .filter((attachment) => attachment.sessionId !== sessionId);
        if (others.length === 0) await this.#options.disks.close(id);
      })
      .catch((error: unknown) => this.#logFailure(id, error));
  }

  /** After a start, when it is settled who has what: finishes what was half done, and removes what is nobody's. */
  async recover(): Promise<void> {
    const { disks } = this.#options;
    for (const record of this.#store.allVolumes()) {
      if (record.state !== "AVAILABLE") {
        await this.#remove(record).catch((error: unknown) => this.#logFailure(record.id, error));
      }
    }
    const open = this.table.openIds();
    await disks.sweep(new Set(this.#store.allVolumes().map(({ id }) => id)), open);
    for (const id of open) await this.open(id).catch((error: unknown) => this.#logFailure(id, error));
  }

  /** Lets what is being done finish. */
  close(): Promise<void> {
    return this.#turns.idle();
  }

  async #make(record: VolumeRecord): Promise<Volume> {
    try {
      await this.#options.disks.make(record.id);
      return this.#change(record, { state: "AVAILABLE" }, record.createdAt);
    } catch (error) {
      await this.#remove(record).catch((failure: unknown) => this.#logFailure(record.id, failure));
      throw error;
    }
  }

  async #grow(record: VolumeRecord, sizeBytes: number): Promise<Volume> {
    const { disks, limits } = this.#options;
    await disks.requireRoom();
    limits.checkKept("volumes", sizeBytes - record.sizeBytes, 0);
    const grown = this.#change(record, { sizeBytes });
    try {
      if (this.table.openIds().has(record.id)) await disks.open(record.id, sizeBytes);
    } catch (error) {
      this.#store.updateVolume(record);
      throw error;
    }
    return grown;
  }

  async #shrink(record: VolumeRecord, sizeBytes: number): Promise<Volume> {
    const { disks } = this.#options;
    const { id } = record;
    try {
      await disks.open(id, record.sizeBytes);
      const used = (await disks.usedBytes(id)) ?? 0;
      if (used > sizeBytes) {
        throw new TenkiError(
          "failed_precondition",
          `cannot shrink to ${formatByteSize(sizeBytes)}: ${formatByteSize(used)} are used`,
          { hint: "delete some files on it first" },
        );
      }
      await disks.open(id, sizeBytes);
    } finally {
      if (this.table.attachmentsOf(id).length === 0) await disks.close(id);
    }
    return this.#change(record, { sizeBytes });
  }

  async #remove(record: VolumeRecord): Promise<void> {
    try {
      await this.#options.disks.remove(record.id);
    } catch (error) {
      const isBusy = error instanceof TenkiError && error.kind === "failed_precondition";
      if (isBusy && record.state === "AVAILABLE") this.#store.updateVolume(record);
      throw error;
    }
    this.#store.deleteVolume(record.id);
  }

  #change(
    record: VolumeRecord,
    changes: Partial<VolumeRecord>,
    updatedAt = this.#options.clock.now(),
  ): Volume {
    const changed = { ...record, ...changes, updatedAt };
    this.#store.updateVolume(changed);
    return this.table.describe(changed);
  }

  /** What is being deleted is promised to nobody any more. */
  #counted(): readonly VolumeRecord[] {
    return this.#store.allVolumes().filter(({ state }) => state !== "DELETING");
  }

  #logFailure(id: string, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#options.log.error("a volume could not be changed", { volume: id, error: message });
  }

  get #store(): VolumeStore {
    return this.table.store;
  }
}
