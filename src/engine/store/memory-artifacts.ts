import type { ArtifactRecord, ArtifactStore } from "../core/ports/artifact-store.js";

/** Artifacts that are gone with their process. */
export class MemoryArtifacts implements ArtifactStore {
  readonly #artifacts = new Map<string, ArtifactRecord>();

  insertArtifact(artifact: ArtifactRecord): void {
    this.#artifacts.set(artifact.id, artifact);
  }

  getArtifact(id: string): ArtifactRecord | undefined {
    return this.#artifacts.get(id);
  }

  countArtifacts(sessionId: string): number {
    return [...this.#artifacts.values()].filter((artifact) => artifact.sessionId === sessionId).length;
  }

  removeOf(sessionId: string): void {
    for (const { id, sessionId: owner } of this.#artifacts.values())
      if (owner === sessionId) this.#artifacts.delete(id);
  }
}
