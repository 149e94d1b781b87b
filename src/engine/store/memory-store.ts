import { TenkiError } from "../../domain/error.js";
import type { PageRequest, SessionFilter, SessionPage, SessionRecord, Store } from "../core/ports/store.js";
import { MemoryArtifacts } from "./memory-artifacts.js";
import { MemoryExecutions } from "./memory-executions.js";
import { MemorySnapshots } from "./memory-snapshots.js";
import { MemoryVolumes } from "./memory-volumes.js";
import { MemoryPreviews } from "./memory-previews.js";

/** A record that is gone with its process: for tests of what stands on a store. */
export class MemoryStore implements Store {
  readonly executions = new MemoryExecutions();
  readonly artifacts = new MemoryArtifacts();
  readonly volumes = new MemoryVolumes();
  readonly previews = new MemoryPreviews();
  readonly snapshots = new MemorySnapshots((id) => this.#isLive(id));
  readonly #sessions = new Map<string, SessionRecord>();
  readonly #settings = new Map<string, string>();

  insertSession(session: SessionRecord): void {
    if (this.#sessions.has(session.id))
      throw new TenkiError("already_exists", `session ${session.id} is recorded already`);
    this.#sessions.set(session.id, session);
  }

  updateSession(session: SessionRecord): void {
    if (!this.#sessions.has(session.id))
      throw new TenkiError("not_found", `session not found: ${session.id}`);
    this.#sessions.set(session.id, session);
    if (session.state === "TERMINATED") this.artifacts.removeOf(session.id);
  }

  getSession(id: string): SessionRecord | undefined {
    return this.#sessions.get(id);
  }

  listSessions(filter: SessionFilter, page: PageRequest): SessionPage {
    const matching = this.#newestFirst().filter(
      (session) => matches(session, filter) && isAfter(session, page),
    );
    const sessions = matching.slice(0, page.size);
    const last = sessions.at(-1);
    const more = matching.length > page.size && last !== undefined;
    return { sessions, next: more ? { createdAtMs: last.createdAt.getTime(), id: last.id } : undefined };
  }

  liveSessions(): readonly SessionRecord[] {
    return this.#newestFirst().filter(({ state }) => state !== "TERMINATED");
  }

  getSetting(key: string): string | undefined {
    return this.#settings.get(key);
  }

  setSetting(key: string, value: string): void {
    this.#settings.set(key, value);
  }

  close(): void {
    this.#sessions.clear();
  }

  #isLive(id: string): boolean {
    const session = this.#sessions.get(id);
    return session !== undefined && session.state !== "TERMINATED";
  }

  #newestFirst(): SessionRecord[] {
    const age = (a: SessionRecord, b: SessionRecord) => b.createdAt.getTime() - a.createdAt.getTime();
    return [...this.#sessions.values()].sort((a, b) => age(a, b) || (a.id < b.id ? 1 : -1));
  }
}

function matches(session: SessionRecord, filter: SessionFilter): boolean {
  const wanted = <T>(asked: T | undefined, has: T) => asked === undefined || asked === has;
  const terminatedToo = filter.includeTerminated || filter.states?.includes("TERMINATED") === true;
  return (
    wanted(filter.ownerId, session.ownerId) &&
    wanted(filter.workspaceId, session.workspaceId) &&
    wanted(filter.projectId, session.projectId) &&
    wanted(filter.sticky, session.sticky) &&
    (terminatedToo || session.state !== "TERMINATED") &&
    (filter.states === undefined || filter.states.includes(session.state)) &&
    filter.tags.every((tag) => session.tags.includes(tag))
  );
}

function isAfter(session: SessionRecord, { after }: PageRequest): boolean {
  if (after === undefined) return true;
  const createdAtMs = session.createdAt.getTime();
  return createdAtMs < after.createdAtMs || (createdAtMs === after.createdAtMs && session.id < after.id);
}
