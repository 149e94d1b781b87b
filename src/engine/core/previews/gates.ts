import type { Duplex } from "node:stream";
import type { Clock } from "../ports/clock.js";
import type { Admission, Gate, Refusal, Way } from "../ports/doors.js";
import type { PreviewRecord } from "../ports/preview-store.js";
import type { SessionRecord } from "../ports/store.js";
import type { Sessions } from "../sessions/sessions.js";
import type { PreviewTable } from "./preview-table.js";
import { Traffic } from "./traffic.js";
import type { ViewerTokens } from "./viewer-tokens.js";

/** A connection to a port inside, also to one that is bound to 127.0.0.1 there. */
export type Dial = (sessionId: string, port: number, signal: AbortSignal) => Promise<Duplex>;

export interface GatesOptions {
  readonly table: PreviewTable;
  readonly sessions: Sessions;
  readonly tokens: ViewerTokens;
  readonly dial: Dial;
  readonly clock: Clock;
}

const refusals: Readonly<Record<SessionRecord["state"], Refusal | undefined>> = {
  CREATING: "starting",
  RUNNING: undefined,
  PAUSING: "paused",
  PAUSED: "paused",
  RESUMING: "starting",
  TERMINATING: "ended",
  TERMINATED: "ended",
  USER_SHUTDOWN: "ended",
};

/** Made once, and as long as it leads to the same: many requests a second go through. */
interface LaidWay {
  readonly sessionId: string;
  readonly port: number;
  readonly admission: Admission;
}

type Lay = (sessionId: string, port: number) => LaidWay;

/** Says of each preview, at each request, who may pass and where to. */
export class Gates {
  readonly #options: GatesOptions;
  readonly #traffic: Traffic;
  /** Of sessions that were asked about: a request must not cost a look into the record. */
  readonly #states = new Map<string, SessionRecord["state"]>();

  constructor(options: GatesOptions) {
    this.#options = options;
    this.#traffic = new Traffic((id) => options.sessions.hold(id), options.clock);
  }

  gate(id: string): Gate {
    const { table } = this.#options;
    let way: LaidWay | undefined;
    const lay = (sessionId: string, port: number): LaidWay => {
      if (way?.sessionId !== sessionId || way.port !== port) way = this.#lay(id, sessionId, port);
      return way;
    };
    return {
      get isPrivate() {
        return table.find(id)?.kind === "viewing";
      },
      admit: (token) => this.#admit(table.find(id), token, lay),
    };
  }

  sessionMoved({ id, state }: SessionRecord): void {
    if (this.#states.has(id)) this.#states.set(id, state);
    if (refusals[state] === "ended") this.#states.delete(id);
  }

  /** Somebody looks at it, though nothing passes. */
  touch(preview: PreviewRecord): void {
    this.#options.table.touch(preview.id);
    if (preview.sessionId !== undefined) this.#traffic.touch(preview.sessionId);
  }

  #admit(preview: PreviewRecord | undefined, token: string | undefined, lay: Lay): Admission {
    if (preview === undefined) return { admitted: false, why: "ended" };
    if (!this.#mayView(preview, token)) return { admitted: false, why: "private" };
    if (this.#options.table.isExpired(preview)) return { admitted: false, why: "expired" };
    const { sessionId, port } = preview;
    if (sessionId === undefined || port === undefined) return { admitted: false, why: "unbound" };
    const why = refusals[this.#stateOf(sessionId)];
    return why === undefined ? lay(sessionId, port).admission : { admitted: false, why };
  }

  #mayView(preview: PreviewRecord, token: string | undefined): boolean {
    if (preview.kind !== "viewing") return true;
    return token !== undefined && this.#options.tokens.read(token)?.previewId === preview.id;
  }

  #lay(previewId: string, sessionId: string, port: number): LaidWay {
    const { table, dial } = this.#options;
    const way: Way = {
      key: `${sessionId}:${port}`,
      port,
      dial: (signal) => dial(sessionId, port, signal),
      begin: () => {
        table.touch(previewId);
        return this.#traffic.begin(sessionId);
      },
      touch: () => this.#traffic.touch(sessionId),
    };
    return { sessionId, port, admission: { admitted: true, way } };
  }

  #stateOf(sessionId: string): SessionRecord["state"] {
    const known = this.#states.get(sessionId);
    if (known !== undefined) return known;
    const { state } = this.#options.sessions.get(sessionId);
    this.#states.set(sessionId, state);
    return state;
  }
}
