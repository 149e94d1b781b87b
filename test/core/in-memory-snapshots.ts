import { Readable } from "node:stream";
import { TenkiError } from "../../src/domain/error.js";
import type { SnapshotDisks, TakenSnapshot } from "../../src/engine/core/ports/snapshot-disks.js";
import { removeOthers } from "./remove-others.js";
import type { Steps } from "./steps.js";

export interface InMemorySnapshot {
  /** Of the disk that it was taken of. */
  readonly diskSizeBytes: number;
  isPersisted: boolean;
}

/** What is on each disk. */
const usedBytes = 4_096;

/** Snapshots that keep nothing but numbers, and can be told to fail or to hang at each step. */
export class InMemorySnapshots implements SnapshotDisks {
  unavailable: string | undefined;
  needsStill = false;
  readonly taken = new Map<string, InMemorySnapshot>();
  readonly #steps: Steps;
  readonly #disks: { readonly allocated: ReadonlyMap<string, number> };

  constructor(steps: Steps, disks: { readonly allocated: ReadonlyMap<string, number> }) {
    this.#steps = steps;
    this.#disks = disks;
  }

  take(id: string, diskHandle: string): Promise<TakenSnapshot> {
    return this.#steps.run("snapshots.take", () => {
      const diskSizeBytes = this.#disks.allocated.get(diskHandle);
      if (diskSizeBytes === undefined) throw new TenkiError("data_loss", "its disk is gone");
      this.taken.set(id, { diskSizeBytes, isPersisted: false });
      return { sizeBytes: usedBytes };
    });
  }

  persist(id: string): Promise<void> {
    return this.#steps.run("snapshots.persist", () => void (this.get(id).isPersisted = true));
  }

  /** A tar in which there is nothing. */
  export(id: string, signal: AbortSignal): Promise<Readable> {
    return this.#steps.run("snapshots.export", () => {
      this.get(id);
      return Readable.from([Buffer.alloc(1_024)], { signal });
    });
  }

  remove(id: string): Promise<void> {
    return this.#steps.run("snapshots.remove", () => void this.taken.delete(id));
  }

  sweep(keep: ReadonlySet<string>): Promise<void> {
    return this.#steps.run("snapshots.sweep", () => removeOthers(this.taken, keep));
  }

  get(id: string): InMemorySnapshot {
    const snapshot = this.taken.get(id);
    if (snapshot === undefined) throw new TenkiError("data_loss", "the data of this snapshot are gone");
    return snapshot;
  }
}
