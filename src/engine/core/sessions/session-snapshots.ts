import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import { TenkiError } from "../../../domain/error.js";
import { isTerminal } from "../../../domain/session.js";
import type { Snapshot } from "../../../domain/snapshot.js";
import type { KeyedMutex } from "../../../lib/keyed-mutex.js";
import { gigabyte } from "../workspace/limits.js";
import type { Disk } from "../ports/disks.js";
import type { TakenSnapshot } from "../ports/snapshot-disks.js";
import type { SessionRecord } from "../ports/store.js";
import type { RestoreSource } from "./restored-session.js";
import type { SandboxParts } from "./sandbox-parts.js";
import { wrongState } from "./session-states.js";
import { messageOf, type SessionTable } from "./session-table.js";
import type { CreateSnapshot } from "../snapshots/snapshot-requests.js";
import { requireReady } from "../snapshots/snapshot-table.js";
import type { Snapshots } from "../snapshots/snapshots.js";

export interface SessionSnapshotsOptions {
  readonly table: SessionTable;
  readonly parts: SandboxParts;
  readonly snapshots: Snapshots;
  readonly turns: KeyedMutex;
}

/** Snapshots where they meet sessions: taken of their disks, and their disks made of them. */
export class SessionSnapshots {
  readonly #options: SessionSnapshotsOptions;
  /** Of sessions whose disk is not made yet: what keeps the snapshot there, by the session's id. */
  readonly #holds = new Map<string, () => void>();

  constructor(options: SessionSnapshotsOptions) {
    this.#options = options;
  }

  /** Of a session that runs or is paused. With `async` it answers before it is taken. */
  async create(sessionId: string, request: CreateSnapshot): Promise<Snapshot> {
    const { table, parts, snapshots, turns } = this.#options;
    const { diskHandle } = requireDisk(table.get(sessionId));
    this.#requireAvailable();
    const usage = await parts.disks.usage(diskHandle);
    const begun = snapshots.begin(table.get(sessionId), request, usage?.usedBytes ?? 0);
    const taking = turns.run(sessionId, () =>
      snapshots.take(begun.id, () => this.#take(begun.id, sessionId)),
    );
    if (!request.async) return taking;
    taking.catch((error: unknown) => table.logFailure(sessionId, error));
    return begun;
  }

  /** What a session that is made of it now goes on with. */
  source(snapshotId: string): RestoreSource {
    this.#requireAvailable();
    this.#options.snapshots.requireReady(snapshotId);
    return this.#options.snapshots.table.source(snapshotId);
  }

  /** Nothing was awaited since `source`: until `newDisk`, or `letGo`, the snapshot stays. */
  plan(sessionId: string, snapshotId: string): void {
    this.#holds.set(sessionId, this.#options.snapshots.loans.hold(snapshotId));
  }

  /** What a session begins with: nothing, or what is on its snapshot. */
  async newDisk(session: SessionRecord): Promise<Disk> {
    const { disks } = this.#options.parts;
    const { id, snapshotId, diskSizeGb } = session;
    const sizeBytes = diskSizeGb * gigabyte;
    if (snapshotId === undefined) return disks.allocate(sizeBytes);
    let giveBack = async (): Promise<void> => undefined;
    try {
      const lent = await this.#lend(snapshotId);
      giveBack = lent.giveBack;
      return await disks.allocate(sizeBytes, lent.diskId);
    } finally {
      await giveBack();
      this.letGo(id);
    }
  }

  /** However its boot went. */
  letGo(sessionId: string): void {
    this.#holds.get(sessionId)?.();
    this.#holds.delete(sessionId);
  }

  /** All that is on it, as a tar. Ends when `signal` aborts, or somebody deletes it; `end` has to be called in any case. */
  async export(
    snapshotId: string,
    signal: AbortSignal,
  ): Promise<{ tar: Readable; end: () => Promise<void> }> {
    const { snapshots } = this.#options;
    this.#requireAvailable();
    snapshots.requireReady(snapshotId);
    const reading = snapshots.loans.read(snapshotId);
    const lent = await this.#lend(snapshotId).catch((error: unknown) => {
      reading.end();
      throw error;
    });
    const end = async () => {
      reading.end();
      await lent.giveBack();
    };
    try {
      const tar = await snapshots.export(lent.diskId, AbortSignal.any([signal, reading.signal]));
      return { tar, end };
    } catch (error) {
      await end();
      throw error;
    }
  }

  /** The disk of a paused session is not lent itself: a copy of it is, which is gone afterwards. */
  async #lend(snapshotId: string): Promise<{ diskId: string; giveBack: () => Promise<void> }> {
    const { table, parts, snapshots, turns } = this.#options;
    snapshots.get(snapshotId); // that of a paused session may be gone by now
    const paused = snapshots.table.pausedWith(snapshotId);
    if (paused === undefined) return { diskId: snapshotId, giveBack: async () => undefined };
    const diskId = randomUUID();
    await turns.run(paused.id, async () => {
      requireReady(snapshots.get(snapshotId), new Date(0)); // it may have been resumed meanwhile
      await this.#take(diskId, paused.id);
    });
    const giveBack = () =>
      parts.snapshots.remove(diskId).catch((error: unknown) => table.logFailure(paused.id, error));
    return { diskId, giveBack };
  }

  /** In the session's turn. */
  async #take(id: string, sessionId: string): Promise<TakenSnapshot> {
    const { table, parts } = this.#options;
    const session = requireDisk(table.get(sessionId));
    if (session.processesLost === true) await parts.disks.reopen(session.diskHandle);
    const take = () => parts.snapshots.take(id, session.diskHandle);
    return parts.snapshots.needsStill && session.state === "RUNNING" ? this.#still(sessionId, take) : take();
  }

  /** While nothing in it moves. */
  async #still<T>(sessionId: string, action: () => Promise<T>): Promise<T> {
    const { runtime } = this.#options.parts;
    await runtime.pause(sessionId).catch((cause: unknown) => {
      const { kind = "internal", hint } = cause as Partial<TenkiError>;
      const message = `cannot take a snapshot of a session that runs: ${messageOf(cause)}`;
      throw new TenkiError(kind, message, { hint, cause });
    });
    try {
      return await action();
    } finally {
      await runtime.resume(sessionId);
    }
  }

  #requireAvailable(): void {
    const { unavailable } = this.#options.parts.snapshots;
    if (unavailable !== undefined) throw new TenkiError("failed_precondition", unavailable);
  }
}

/** A session whose disk can be looked at: one that is being made or has ended has none. */
function requireDisk(session: SessionRecord): SessionRecord & { readonly diskHandle: string } {
  const { state, diskHandle } = session;
  if (isTerminal(state) || state === "CREATING" || diskHandle === undefined) {
    throw new TenkiError("failed_precondition", wrongState(state));
  }
  return { ...session, diskHandle };
}
