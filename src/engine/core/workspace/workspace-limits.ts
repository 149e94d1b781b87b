import { TenkiError } from "../../../domain/error.js";
import { isTerminal, type SessionState } from "../../../domain/session.js";
import type { UsageLimit } from "../../../domain/usage.js";
import { formatByteSize } from "../../../lib/byte-size.js";
import { gigabyte } from "./limits.js";
import type { SessionRecord, Store } from "../ports/store.js";
import { type LimitRow, limitRows, type LimitedThing } from "./limit-rows.js";
import type { WorkspaceSettings } from "./workspace-settings.js";

/** How much there is of a thing that is kept outside of sessions. */
export interface Holding {
  count(): number;
  /** What it takes of `max_total_bytes`. */
  bytes(): number;
}

/** What of the sessions is counted; the rest is of those who keep it. */
type KeptThing = Exclude<LimitedThing, "active_sessions" | "sticky_sessions" | "total_bytes">;

/**
 * Holds the workspace to its limits. A check answers at once: who writes what was checked before anything is
 * awaited can be sure that two never pass together.
 */
export class WorkspaceLimits {
  readonly #store: Store;
  readonly #settings: WorkspaceSettings;
  readonly #holdings = new Map<KeptThing, Holding>();

  constructor(store: Store, settings: WorkspaceSettings) {
    this.#store = store;
    this.#settings = settings;
  }

  /** Who keeps things of this kind says here how many there are. */
  hold(thing: KeptThing, holding: Holding): void {
    this.#holdings.set(thing, holding);
  }

  /** Before a session is recorded. */
  checkCreate({ sticky, diskSizeGb }: Pick<SessionRecord, "sticky" | "diskSizeGb">): void {
    this.#check("active_sessions", 1);
    if (sticky) this.#check("sticky_sessions", 1);
    this.#check("total_bytes", diskSizeGb * gigabyte);
  }

  /** Before a session that held no sandbox gets one again. */
  checkResume(): void {
    this.#check("active_sessions", 1);
  }

  /** Before a session becomes sticky; one that is already is counted already. */
  checkSticky({ sticky }: Pick<SessionRecord, "sticky">): void {
    if (!sticky) this.#check("sticky_sessions", 1);
  }

  /** Before one more of a kind is recorded, or grows: `count` 0 where only its bytes are new. */
  checkKept(thing: KeptThing, bytes: number, count = 1): void {
    if (count > 0) this.#check(thing, count);
    this.#check("total_bytes", bytes);
  }

  /** Everything that there is a limit of, whether one is set or not. */
  usage(): UsageLimit[] {
    const live = this.#live();
    const settings = this.#settings.get();
    return limitRows.map((row) => ({
      key: row.key,
      label: row.label,
      unit: row.unit,
      current: this.#current(row.key, live),
      max: settings[row.setting],
      helpText: row.helpText,
    }));
  }

  #check(thing: LimitedThing, more: number): void {
    const row = limitRows.find(({ key }) => key === thing);
    const max = row && this.#settings.get()[row.setting];
    if (row === undefined || max === undefined) return; // nothing has to be counted
    const current = this.#current(thing, this.#live());
    if (current + more > max) throw exceeded(row, { current, more, max });
  }

  #current(thing: LimitedThing, live: readonly SessionRecord[]): number {
    if (thing === "active_sessions") return live.filter(({ state }) => holdsSandbox.has(state)).length;
    if (thing === "sticky_sessions")
      return live.filter(({ sticky, state }) => sticky && !isTerminal(state)).length;
    if (thing === "total_bytes") return this.#bytes(live);
    return this.#holdings.get(thing)?.count() ?? 0;
  }

  /** Of a session the size that its disk may grow to: a promise counts, whether it is taken up or not. */
  #bytes(live: readonly SessionRecord[]): number {
    const disks = live.reduce((sum, { diskSizeGb }) => sum + diskSizeGb * gigabyte, 0);
    return [...this.#holdings.values()].reduce((sum, holding) => sum + holding.bytes(), disks);
  }

  #live(): readonly SessionRecord[] {
    return this.#store.liveSessions();
  }
}

/** The states in which a session has processes, or is about to. */
const holdsSandbox: ReadonlySet<SessionState> = new Set(["CREATING", "RUNNING", "PAUSING", "RESUMING"]);

/** Clients tell quotas apart by their words: of these none may be another kind's. */
function exceeded(
  { unit, things, flag }: LimitRow,
  { current, more, max }: { readonly current: number; readonly more: number; readonly max: number },
): TenkiError {
  const message =
    unit === "count"
      ? `the workspace's limit of ${max} ${things} is reached: it has ${current}`
      : `the workspace's limit of ${formatByteSize(max)} ${things} is reached: ` +
        `it has ${formatByteSize(current)}, and ${formatByteSize(more)} more are asked for`;
  return new TenkiError("resource_exhausted", message, {
    hint: `tenki sandbox usage shows it, tenki sandbox settings set --${flag} raises it`,
  });
}
