import { TenkiError } from "../../domain/error.js";
import type { PageRequest } from "../core/ports/store.js";
import type { VolumePage, VolumeRecord, VolumeStore } from "../core/ports/volume-store.js";

/** Volumes that are gone with their process. */
export class MemoryVolumes implements VolumeStore {
  readonly #volumes = new Map<string, VolumeRecord>();

  insertVolume(volume: VolumeRecord): void {
    this.#volumes.set(volume.id, volume);
  }

  updateVolume(volume: VolumeRecord): void {
    if (!this.#volumes.has(volume.id)) throw new TenkiError("not_found", `volume not found: ${volume.id}`);
    this.#volumes.set(volume.id, volume);
  }

  getVolume(id: string): VolumeRecord | undefined {
    return this.#volumes.get(id);
  }

  listVolumes({ size, after }: PageRequest): VolumePage {
    const shown = this.allVolumes().filter(
      ({ state, createdAt, id }) =>
        state !== "CREATING" &&
        (after === undefined ||
          createdAt.getTime() < after.createdAtMs ||
          (createdAt.getTime() === after.createdAtMs && id < after.id)),
    );
    const volumes = shown.slice(0, size);
    const last = volumes.at(-1);
    const more = shown.length > size && last !== undefined;
    return { volumes, next: more ? { createdAtMs: last.createdAt.getTime(), id: last.id } : undefined };
  }

  allVolumes(): readonly VolumeRecord[] {
    const age = (a: VolumeRecord, b: VolumeRecord) => b.createdAt.getTime() - a.createdAt.getTime();
    return [...this.#volumes.values()].sort((a, b) => age(a, b) || (a.id < b.id ? 1 : -1));
  }

  deleteVolume(id: string): void {
    this.#volumes.delete(id);
  }
}
