import { TenkiError } from "../../src/domain/error.js";
import type { VolumeDisks } from "../../src/engine/core/ports/volume-disks.js";
import type { Steps } from "./steps.js";

export interface InMemoryVolume {
  /** What it is held to; 0 before it was ever opened. */
  sizeBytes: number;
  usedBytes: number;
  isOpen: boolean;
  isPersisted: boolean;
}

/** Volumes that keep nothing but numbers, and can be told to fail or to hang at each step. */
export class InMemoryVolumes implements VolumeDisks {
  unavailable: string | undefined;
  readonly made = new Map<string, InMemoryVolume>();
  readonly #steps: Steps;

  constructor(steps: Steps) {
    this.#steps = steps;
  }

  requireRoom(): Promise<void> {
    return this.#steps.run("volumes.requireRoom", () => undefined);
  }

  make(id: string): Promise<void> {
    return this.#steps.run("volumes.make", () => {
      this.made.set(id, { sizeBytes: 0, usedBytes: 0, isOpen: false, isPersisted: false });
    });
  }

  open(id: string, sizeBytes: number): Promise<string> {
    return this.#steps.run("volumes.open", () => {
      Object.assign(this.get(id), { sizeBytes, isOpen: true });
      return `/volumes/${id}`;
    });
  }

  persist(id: string): Promise<void> {
    return this.#steps.run("volumes.persist", () => void (this.get(id).isPersisted = true));
  }

  usedBytes(id: string): Promise<number | undefined> {
    return this.#steps.run("volumes.usedBytes", () => this.get(id).usedBytes);
  }

  close(id: string): Promise<void> {
    return this.#steps.run("volumes.close", () => void (this.get(id).isOpen = false));
  }

  remove(id: string): Promise<void> {
    return this.#steps.run("volumes.remove", () => void this.made.delete(id));
  }

  sweep(keep: ReadonlySet<string>, open: ReadonlySet<string>): Promise<void> {
    return this.#steps.run("volumes.sweep", () => {
      for (const [id, volume] of this.made) {
        if (!keep.has(id)) this.made.delete(id);
        if (!open.has(id)) volume.isOpen = false;
      }
    });
  }

  get(id: string): InMemoryVolume {
    const volume = this.made.get(id);
    if (volume === undefined) throw new TenkiError("data_loss", "the data of this volume are gone");
    return volume;
  }
}
