import { TenkiError } from "../../../domain/error.js";
import { isTerminal } from "../../../domain/session.js";
import { KeyedMutex } from "../../../lib/keyed-mutex.js";
import type { Doors, Gate } from "../ports/doors.js";
import type { PreviewRecord } from "../ports/preview-store.js";
import type { SessionRecord } from "../ports/store.js";
import { wrongState } from "../sessions/session-states.js";
import type { Sessions } from "../sessions/sessions.js";
import type { Gates } from "./gates.js";
import type { PreviewAddresses } from "./preview-addresses.js";
import { type NewPreview, newPreviewId, type PreviewTable } from "./preview-table.js";

export interface PreviewsOptions {
  readonly table: PreviewTable;
  readonly gates: Gates;
  readonly doors: Doors;
  readonly addresses: PreviewAddresses;
  readonly sessions: Sessions;
}

/** Previews of every kind, with a door each. */
export class Previews {
  readonly table: PreviewTable;
  readonly addresses: PreviewAddresses;
  readonly turns = new KeyedMutex();
  readonly #options: PreviewsOptions;
  #onNewExpiry: (at: Date) => void = () => undefined;

  constructor(options: PreviewsOptions) {
    this.#options = options;
    this.table = options.table;
    this.addresses = options.addresses;
  }

  /** Records it with a door that is open; what is refused leaves none. */
  async open(wanted: Omit<NewPreview, "id" | "doorPort">): Promise<PreviewRecord> {
    const { doors, gates } = this.#options;
    if (wanted.slug !== undefined) this.addresses.checkSlug(wanted.slug);
    if (wanted.slug !== undefined) this.#makeFree(wanted.slug);
    const id = newPreviewId();
    const doorPort = await doors.open({ id, protocol: wanted.protocol, gate: gates.gate(id) });
    try {
      const preview = this.table.insert({ ...wanted, id, doorPort });
      if (preview.expiresAt !== undefined) this.#onNewExpiry(preview.expiresAt);
      return preview;
    } catch (error) {
      doors.close(id);
      throw error;
    }
  }

  /** One that has expired, and only says so, gives its slug away. */
  #makeFree(slug: string): void {
    const holder = this.table.findBySlug(slug);
    if (holder !== undefined && this.table.isExpired(holder)) this.remove(holder.id);
    this.table.requireFree(slug);
  }

  /** Another end for one that is there; connections of before go on. */
  renew(id: string, changes: Pick<PreviewRecord, "expiresAt">): PreviewRecord {
    const preview = this.table.change(id, changes);
    if (preview.expiresAt !== undefined) this.#onNewExpiry(preview.expiresAt);
    return preview;
  }

  /** Points it at another port, or at nothing; connections to the one before are cut. */
  point(id: string, at: { readonly sessionId: string; readonly port: number } | undefined): PreviewRecord {
    const preview = this.table.change(id, { sessionId: at?.sessionId, port: at?.port });
    this.#options.doors.cut(id);
    return preview;
  }

  remove(id: string): void {
    this.table.remove(id);
    this.#options.doors.close(id);
  }

  /** A session whose ports may be reached from outside, running or not. */
  requireReachable(sessionId: string): SessionRecord {
    const session = this.#options.sessions.get(sessionId);
    if (isTerminal(session.state)) throw new TenkiError("failed_precondition", wrongState(session.state));
    if (session.allowInbound) return session;
    throw new TenkiError("failed_precondition", `inbound access is disabled for session ${sessionId}`, {
      hint: "tenki sandbox create --allow-inbound makes one whose ports can be exposed",
    });
  }

  /** The gate of whom a Host header names: undefined where that is no name of a preview at all. */
  gateOf(host: string | undefined): { readonly id: string; readonly gate: Gate } | undefined {
    const slug = this.addresses.readHost(host);
    if (slug === undefined) return undefined;
    const preview = this.table.findBySlug(slug);
    const id = preview?.protocol === "http" ? preview.id : "";
    return { id, gate: this.#options.gates.gate(id) };
  }

  /** Calls `listener` with each end that a preview is given. */
  onNewExpiry(listener: (at: Date) => void): void {
    this.#onNewExpiry = listener;
  }
}
