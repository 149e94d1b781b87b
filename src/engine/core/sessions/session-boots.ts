import { TenkiError } from "../../../domain/error.js";
import type { Clock } from "../ports/clock.js";
import { cloneFirst } from "../git/clone-first.js";
import type { GitCall } from "../git/git-call.js";
import { newIdentity } from "./restored-session.js";
import { bootSandbox, type SandboxHandles, type SandboxParts } from "./sandbox-parts.js";
import { secretFiles } from "../commands/secret-files.js";
import type { SessionEnds } from "./session-ends.js";
import type { SessionSecrets } from "./session-secrets.js";
import type { SessionSnapshots } from "./session-snapshots.js";
import { messageOf, type SessionTable } from "./session-table.js";
import type { SessionVolumes } from "./session-volumes.js";

export interface SessionBootsOptions {
  readonly table: SessionTable;
  readonly parts: SandboxParts;
  readonly clock: Clock;
  readonly ends: SessionEnds;
  readonly secrets: SessionSecrets;
  readonly volumes: SessionVolumes;
  readonly snapshots: SessionSnapshots;
}

/** The sandboxes that are being started, each with the way to call that off. */
export class SessionBoots {
  readonly #options: SessionBootsOptions;
  readonly #running = new Map<string, AbortController>();

  constructor(options: SessionBootsOptions) {
    this.#options = options;
  }

  /** Runs `start` with a signal that aborts when the session is to end, or the engine. */
  async run<T>(id: string, start: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const abort = new AbortController();
    this.#running.set(id, abort);
    try {
      return await start(abort.signal);
    } finally {
      this.#running.delete(id);
    }
  }

  /** From CREATING to RUNNING, or to its end; in the session's turn. */
  async boot(id: string, signal: AbortSignal, clone: GitCall | undefined): Promise<void> {
    const { table, parts, clock, ends, volumes, snapshots } = this.#options;
    const session = table.get(id);
    const secrets = this.#options.secrets.kept(id);
    try {
      const boot = {
        session,
        files: [...secretFiles(session, secrets), ...newIdentity(session)],
        openVolumes: () => volumes.open(session),
        record: (handles: SandboxHandles) => void table.change(id, handles),
        signal,
      };
      await bootSandbox(parts, boot, () => snapshots.newDisk(session));
      if (clone !== undefined) await cloneFirst(parts.runtime, { session, clone, secrets, signal });
      const now = clock.now();
      const attached = session.volumes.map((each) => ({ ...each, state: "ATTACHED" }));
      table.move(id, "booted", { readyAt: now, lastActivityAt: now, volumes: attached });
    } catch (error) {
      const reason: unknown = signal.reason;
      if (!(reason instanceof BootEnded)) table.logFailure(id, error);
      await ends.end(id, reason instanceof BootEnded ? reason.why : whyItFailed(error));
    } finally {
      snapshots.letGo(id);
    }
  }

  isBooting(id: string): boolean {
    return this.#running.has(id);
  }

  /** Without `why`, somebody asked for that. */
  callOff(id: string, why: string | undefined): void {
    this.#running.get(id)?.abort(new BootEnded(why));
  }

  callOffAll(why: string): void {
    for (const id of this.#running.keys()) this.callOff(id, why);
  }
}

/** Why a boot does not go on; without `why`, somebody asked for that. */
class BootEnded extends TenkiError {
  readonly why: string | undefined;

  constructor(why: string | undefined) {
    super("aborted", why ?? "it was terminated");
    this.why = why;
  }
}

/** A session's end has a reason and no hint of its own: what to free goes into the one there is. */
function whyItFailed(error: unknown): string {
  const isFull = error instanceof TenkiError && error.kind === "resource_exhausted";
  return isFull && error.hint !== undefined ? `${error.message}: ${error.hint}` : messageOf(error);
}
