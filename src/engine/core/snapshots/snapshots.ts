import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import { TenkiError } from "../../../domain/error.js";
import type { Snapshot } from "../../../domain/snapshot.js";
import { KeyedMutex } from "../../../lib/keyed-mutex.js";
import type { Logger } from "../../../lib/logger.js";
import type { Access } from "../access/access.js";
import { defaultPageSize, longestRetentionMs } from "../workspace/limits.js";
import { decodePageToken, encodePageToken } from "../page-token.js";
import type { Clock } from "../ports/clock.js";
import type { SnapshotDisks, TakenSnapshot } from "../ports/snapshot-disks.js";
import type { SnapshotRecord, SnapshotStore } from "../ports/snapshot-store.js";
import type { SessionRecord, Store } from "../ports/store.js";
import { messageOf } from "../sessions/session-table.js";
import { SnapshotLoans } from "./snapshot-loans.js";
import { checkSnapshotName } from "./snapshot-name.js";
import type { CreateSnapshot, ListSnapshots, UpdateSnapshot } from "./snapshot-requests.js";
import { notReady } from "./snapshot-states.js";
import { describe, requireReady, SnapshotTable } from "./snapshot-table.js";
import type { WorkspaceLimits } from "../workspace/workspace-limits.js";
import type { WorkspaceSettings } from "../workspace/workspace-settings.js";

export interface SnapshotsOptions {
  readonly store: Store & { readonly snapshots: SnapshotStore };
  readonly disks: SnapshotDisks;
  readonly clock: Clock;
  readonly access: Access;
  readonly limits: WorkspaceLimits;
  readonly settings: WorkspaceSettings;
  readonly log: Logger;
}

/** Every snapshot of this engine: what may happen to it, one thing after another. */
export class Snapshots {
  readonly table: SnapshotTable;
  readonly loans = new SnapshotLoans();
  readonly #options: SnapshotsOptions;
  readonly #turns = new KeyedMutex();
  #onNewDue: (at: Date) => void = () => undefined;

  constructor(options: SnapshotsOptions) {
    const { store, limits } = options;
    this.#options = options;
    this.table = new SnapshotTable(store.snapshots, store);
    limits.hold("snapshots", {
      count: () => this.#counted().length,
      bytes: () => this.#counted().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    });
  }

  get(id: string): Snapshot {
    return this.table.get(id);
  }

  list(request: ListSnapshots): { readonly snapshots: readonly Snapshot[]; readonly nextPageToken: string } {
    const { access } = this.#options;
    const key = access.resolveWorkspace(request.workspaceId);
    access.resolveProject(request.projectId);
    const { sessionId, dangling, pageSize, pageToken } = request;
    const after = pageToken === "" ? undefined : decodePageToken(pageToken, key);
    const page = this.table.list({ sessionId, dangling }, { size: pageSize || defaultPageSize, after });
    const { snapshots, next } = page;
    return { snapshots, nextPageToken: next === undefined ? "" : encodePageToken(next, key) };
  }

  /** Records one of this session, which is about to be taken; `usedBytes`: as far as is known. */
  begin(session: SessionRecord, request: CreateSnapshot, usedBytes: number): Snapshot {
    const { clock, limits, settings } = this.#options;
    const createdAt = clock.now();
    const retentionMs = settings.get().snapshotRetentionMs;
    const kept = retentionMs === undefined ? undefined : Math.min(retentionMs, longestRetentionMs);
    const record: SnapshotRecord = {
      id: randomUUID(),
      sessionId: session.id,
      workspaceId: session.workspaceId,
      projectId: session.projectId,
      name: checkSnapshotName(request.name ?? ""),
      state: "CREATING",
      type: "USER",
      sizeBytes: usedBytes,
      compressedBytes: 0,
      memoryBytes: 0,
      baseImageId: session.image,
      createdAt,
      expiresAt:
        this.#checkExpiry(request.expiresAt) ??
        (kept === undefined ? undefined : new Date(createdAt.getTime() + kept)),
      tags: [],
      cpuCores: session.cpuCores,
      memoryMb: session.memoryMb,
      diskSizeGb: session.diskSizeGb,
      rawImageAvailable: false,
      isPromised: request.async,
      env: session.env,
    };
    limits.checkKept("snapshots", usedBytes);
    this.table.store.insertSnapshot(record);
    if (record.expiresAt !== undefined) this.#onNewDue(record.expiresAt);
    return describe(record);
  }

  /** From CREATING to READY; a failure leaves nothing, but the reason where somebody knows its id. */
  async take(id: string, take: () => Promise<TakenSnapshot>): Promise<Snapshot> {
    const taken = await this.#turns.run(id, async () => {
      try {
        const { sizeBytes } = await take();
        const localReadyAt = this.#options.clock.now();
        return this.table.move(id, "taken", { sizeBytes, localReadyAt, durability: "LOCAL_READY" });
      } catch (error) {
        await this.#giveUp(id, messageOf(error)).catch((failure: unknown) => this.#logFailure(id, failure));
        throw error;
      }
    });
    void this.#persist(id);
    return taken;
  }

  update(
    id: string,
    { name, tags, clearTags, expiresAt, clearExpiresAt }: UpdateSnapshot,
  ): Promise<Snapshot> {
    if (expiresAt !== undefined && clearExpiresAt) {
      throw new TenkiError("invalid_argument", "expires_at and clear_expires_at contradict each other");
    }
    return this.#turns.run(id, async () => {
      const { state } = this.table.own(id);
      if (state === "DELETING") throw new TenkiError("failed_precondition", notReady(state));
      const expires = clearExpiresAt ? undefined : this.#checkExpiry(expiresAt);
      const changed = this.table.change(id, {
        ...(name === undefined ? {} : { name: checkSnapshotName(name) }),
        ...(clearTags || tags.length > 0 ? { tags: clearTags ? [] : [...new Set(tags)] } : {}),
        ...(clearExpiresAt || expires !== undefined ? { expiresAt: expires } : {}),
      });
      if (expires !== undefined) this.#onNewDue(expires);
      return changed;
    });
  }

  /** What was made of it stays. One that is being taken has to be waited for; who downloads it is cut off. */
  async delete(id: string): Promise<Snapshot> {
    const asked = describe(this.table.own(id));
    await this.#turns.run(id, async () => {
      if (this.table.store.getSnapshot(id) === undefined) return; // somebody else was faster
      this.table.move(id, "delete");
      await this.#remove(id);
    });
    return { ...asked, state: "DELETED" };
  }

  /** What a session can be made of now, or it says why not. */
  requireReady(id: string): Snapshot {
    const snapshot = this.get(id);
    requireReady(snapshot, this.#options.clock.now());
    return snapshot;
  }

  /** Its files as a tar; whoever asks has borrowed it. */
  export(diskId: string, signal: AbortSignal): Promise<Readable> {
    return this.#turns.run(diskId, () => this.#options.disks.export(diskId, signal));
  }

  /** After a start, when it is settled which sessions there are: finishes what was half done, removes the rest. */
  async recover(): Promise<void> {
    const { disks } = this.#options;
    const tryIt = (id: string, action: Promise<void>) =>
      action.catch((error: unknown) => this.#logFailure(id, error));
    for (const { id, state } of this.table.store.allSnapshots()) {
      if (state === "CREATING") await tryIt(id, this.#giveUp(id, "the engine stopped while it was taken"));
      if (state === "DELETING") await tryIt(id, this.#remove(id));
    }
    const kept = this.table.store.allSnapshots();
    await disks.sweep(new Set(kept.filter(({ state }) => state === "READY").map(({ id }) => id)));
    for (const { id, durability } of kept) if (durability !== "DURABLE") void this.#persist(id);
  }

  /** Begins to delete what has expired, and what could not be deleted before. Resolves with when to look next. */
  async attendDue(): Promise<Date | undefined> {
    try {
      return this.#beginDue();
    } catch (error) {
      this.#options.log.error("cannot look for snapshots that are due", { error: messageOf(error) });
      return undefined;
    }
  }

  #beginDue(): Date | undefined {
    const now = this.#options.clock.now();
    const all = this.table.store.allSnapshots().filter(({ state }) => state !== "CREATING");
    for (const { id, state, expiresAt } of all) {
      if (state !== "DELETING" && (expiresAt === undefined || expiresAt > now)) continue;
      if (!this.#turns.isBusy(id)) this.delete(id).catch((error: unknown) => this.#logFailure(id, error));
    }
    const next = Math.min(
      ...all.map(({ expiresAt }) => (expiresAt && expiresAt > now ? +expiresAt : Infinity)),
    );
    return Number.isFinite(next) ? new Date(next) : undefined;
  }

  /** Calls `listener` with each end that a snapshot is given. */
  onNewDue(listener: (at: Date) => void): void {
    this.#onNewDue = listener;
  }

  /** Lets what is being done finish. */
  close(): Promise<void> {
    return this.#turns.idle();
  }

  async #persist(id: string): Promise<void> {
    await this.#turns
      .run(id, async () => {
        if (this.table.store.getSnapshot(id)?.state !== "READY") return;
        try {
          await this.#options.disks.persist(id);
          this.table.change(id, { durability: "DURABLE", propagationError: undefined });
        } catch (error) {
          this.#logFailure(id, error);
          this.table.change(id, { durability: "PROPAGATION_FAILED", propagationError: messageOf(error) });
        }
      })
      .catch((error: unknown) => this.#logFailure(id, error));
  }

  async #giveUp(id: string, failureReason: string): Promise<void> {
    await this.#options.disks.remove(id);
    if (this.table.own(id).isPromised) this.table.move(id, "take_failed", { failureReason, sizeBytes: 0 });
    else this.table.store.deleteSnapshot(id);
  }

  async #remove(id: string): Promise<void> {
    await this.loans.recall(id);
    await this.#options.disks.remove(id);
    const { store } = this.table;
    const expiresAt = store.getSnapshot(id)?.expiresAt;
    if (expiresAt !== undefined && expiresAt <= this.#options.clock.now()) store.noteExpiry(id, expiresAt);
    store.deleteSnapshot(id);
  }

  #checkExpiry(expiresAt: Date | undefined): Date | undefined {
    if (expiresAt === undefined || expiresAt > this.#options.clock.now()) return expiresAt;
    throw new TenkiError("invalid_argument", "expires_at must be in the future");
  }

  /** What is on its way out is promised to nobody any more, and what failed takes nothing. */
  #counted(): readonly SnapshotRecord[] {
    return this.table.store.allSnapshots().filter(({ state }) => state === "CREATING" || state === "READY");
  }

  #logFailure(id: string, error: unknown): void {
    this.#options.log.error("a snapshot could not be changed", { snapshot: id, error: messageOf(error) });
  }
}
