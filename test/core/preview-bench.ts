import { PassThrough } from "node:stream";
import type { Doors, DoorSpec } from "../../src/engine/core/ports/doors.js";
import type { SessionRecord } from "../../src/engine/core/ports/store.js";
import { assemblePreviews, type PreviewParts } from "../../src/engine/core/previews/assemble-previews.js";
import { Workbench } from "./workbench.js";

/** Doors in memory: ports are numbers. */
export class InMemoryDoors implements Doors {
  readonly open_ = new Map<string, DoorSpec & { readonly port: number }>();
  /** Ids of those whose connections were cut. */
  readonly cuts: string[] = [];
  /** Ports that somebody else has. */
  readonly taken = new Set<number>();
  #next = 40_000;

  open(spec: DoorSpec, wantedPort?: number): Promise<number> {
    const free = wantedPort !== undefined && !this.taken.has(wantedPort);
    do this.#next += 1;
    while (this.taken.has(this.#next));
    const port = free ? wantedPort : this.#next;
    this.open_.set(spec.id, { ...spec, port });
    return Promise.resolve(port);
  }

  cut(id: string): void {
    this.cuts.push(id);
  }

  close(id: string): void {
    this.open_.delete(id);
  }

  /** What somebody is told who comes to the only door. */
  admit(token?: string): string {
    const [door] = this.open_.values();
    const admission = door?.gate.admit(token);
    if (admission === undefined) return "no door";
    return admission.admitted ? admission.way.key : admission.why;
  }
}

/** An engine's core with previews on doors in memory. */
export class PreviewBench extends Workbench {
  doors = new InMemoryDoors();
  parts_: PreviewParts = this.#assemble();

  exposable(): Promise<SessionRecord> {
    return this.createRunning({ allowInbound: true });
  }

  /** The process is gone; the next one finds the record, and the same machine. */
  async restart(): Promise<void> {
    const { taken } = this.doors;
    this.lose();
    this.doors = new InMemoryDoors();
    for (const port of taken) this.doors.taken.add(port);
    this.parts_ = this.#assemble();
    await this.sessions.recover();
    await this.parts_.lives.recover();
  }

  #assemble(domain?: string): PreviewParts {
    const { store, sessions, access, limits, clock, doors } = this;
    const parts = assemblePreviews({
      ...{ store, sessions, access, limits, clock, doors, domain },
      dial: () => Promise.resolve(new PassThrough()),
      engineUrl: () => "https://engine.test:8365",
      log: this.logger(),
    });
    this.onMove = (session) => parts.lives.sessionMoved(session);
    return parts;
  }

  withDomain(domain: string): PreviewParts {
    return (this.parts_ = this.#assemble(domain));
  }
}
