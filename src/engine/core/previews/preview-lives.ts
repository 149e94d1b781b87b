import { isTerminal } from "../../../domain/session.js";
import type { Logger } from "../../../lib/logger.js";
import { expiredDoorMs } from "../workspace/limits.js";
import type { Clock } from "../ports/clock.js";
import type { Doors } from "../ports/doors.js";
import type { PreviewRecord } from "../ports/preview-store.js";
import type { SessionRecord, Store } from "../ports/store.js";
import { messageOf } from "../sessions/session-table.js";
import type { Gates } from "./gates.js";
import type { Previews } from "./previews.js";

export interface PreviewLivesOptions {
  readonly previews: Previews;
  readonly gates: Gates;
  readonly doors: Doors;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Timers do not reach further; what is due later is looked at again then. */
const longestSleepMs = 3_600_000;

/** What becomes of previews though nobody asks: when sessions end, time passes, and the engine starts again. */
export class PreviewLives {
  readonly #options: PreviewLivesOptions;
  #wakesAtMs = Infinity;
  #callOff: () => void = () => undefined;

  constructor(options: PreviewLivesOptions) {
    this.#options = options;
    options.previews.onNewExpiry((at) => this.#wakeBy(at.getTime()));
  }

  /** After a start, once sessions are known: takes away what belongs to none, and opens the doors of the rest. */
  async recover(): Promise<void> {
    const { previews, store } = this.#options;
    for (const preview of previews.table.all()) {
      const session = preview.sessionId === undefined ? undefined : store.getSession(preview.sessionId);
      const isOver = session === undefined || isTerminal(session.state);
      if (preview.sessionId !== undefined && isOver) this.#letGo(preview);
    }
    await Promise.all(previews.table.all().map((preview) => this.#reopen(preview)));
    this.attendExpired();
  }

  /** Called inside the session's own change, which must not fail because of this. */
  sessionMoved(session: SessionRecord): void {
    const { gates, previews, log } = this.#options;
    gates.sessionMoved(session);
    if (!isTerminal(session.state)) return;
    try {
      for (const preview of previews.table.of(session.id)) this.#letGo(preview);
    } catch (error) {
      log.error("a preview could not be taken away", { session: session.id, error: messageOf(error) });
    }
  }

  /** Cuts what has expired, and forgets what has for long. */
  attendExpired(): void {
    const { previews, doors, clock } = this.#options;
    const now = clock.now().getTime();
    this.#wakesAtMs = Infinity;
    for (const { id, expiresAt } of previews.table.all()) {
      if (expiresAt === undefined) continue;
      const forgetAt = expiresAt.getTime() + expiredDoorMs;
      if (forgetAt <= now) previews.remove(id);
      else if (expiresAt.getTime() <= now) doors.cut(id);
      if (forgetAt > now) this.#wakeBy(expiresAt.getTime() > now ? expiresAt.getTime() : forgetAt);
    }
  }

  close(): void {
    this.#callOff();
    for (const { id } of this.#options.previews.table.all()) this.#options.doors.close(id);
  }

  /** A name stays, and points at nothing. */
  #letGo({ kind, id }: PreviewRecord): void {
    const { previews } = this.#options;
    if (kind === "name") previews.point(id, undefined);
    else previews.remove(id);
  }

  async #reopen({ id, protocol, doorPort }: PreviewRecord): Promise<void> {
    const { previews, gates, doors, log } = this.#options;
    try {
      const port = await doors.open({ id, protocol, gate: gates.gate(id) }, doorPort);
      if (port === doorPort) return;
      log.warn("the port of a preview is taken: it has another", { preview: id, before: doorPort, port });
      previews.table.change(id, { doorPort: port });
    } catch (error) {
      log.error("a preview cannot be reached", { preview: id, error: messageOf(error) });
    }
  }

  #wakeBy(atMs: number): void {
    if (this.#wakesAtMs <= atMs) return;
    this.#callOff();
    this.#wakesAtMs = atMs;
    const sleepMs = Math.max(atMs - this.#options.clock.now().getTime(), 1);
    this.#callOff = this.#options.clock.after(Math.min(sleepMs, longestSleepMs), () => this.attendExpired());
  }
}
