import { TenkiError } from "../../../domain/error.js";
import type { Clock } from "../ports/clock.js";
import type { PreviewRecord } from "../ports/preview-store.js";
import type { Sessions } from "../sessions/sessions.js";
import { requireFuture, requireRoom } from "./exposures.js";
import type { Gates } from "./gates.js";
import type { Previews } from "./previews.js";
import type { ViewerTokens } from "./viewer-tokens.js";

export interface ViewingsOptions {
  readonly previews: Previews;
  readonly gates: Gates;
  readonly tokens: ViewerTokens;
  readonly sessions: Sessions;
  readonly clock: Clock;
}

export interface OpenedViewing {
  readonly port: number;
  /** With the token in it. */
  readonly url: string;
  readonly token: string;
  readonly expiresAt: Date;
}

export interface ResolvedToken {
  readonly sessionId: string;
  readonly port: number;
  readonly mode: "public" | "viewer";
  readonly expiresAt?: Date | undefined;
  /** The session is there and does not run. */
  readonly isOffline: boolean;
}

const defaultLifetimeMs = 3_600_000;
const longestLifetimeMs = 24 * 3_600_000;

/** The parameter that a viewer's link carries once. */
export const viewerParameter = "tenki_viewer";

/** Ports that only those reach who were given a token. */
export class Viewings {
  readonly #options: ViewingsOptions;

  constructor(options: ViewingsOptions) {
    this.#options = options;
  }

  /** A link for one more viewer; all viewers of a port come through one door. */
  open(sessionId: string, port: number, expiresAt?: Date): Promise<OpenedViewing> {
    const { previews, tokens, clock } = this.#options;
    return previews.turns.run(sessionId, async () => {
      previews.requireReachable(sessionId);
      const until = this.#until(expiresAt, clock.now());
      const viewing = await this.#door(sessionId, port, until);
      const token = tokens.issue(viewing.id, until);
      const url = new URL(previews.addresses.url(viewing));
      url.searchParams.set(viewerParameter, token);
      return { port, url: url.href, token, expiresAt: until };
    });
  }

  /** Somebody is still there. */
  touch(token: string): Date {
    const { gates, clock } = this.#options;
    gates.touch(this.#find(token).preview);
    return clock.now();
  }

  /** Where the traffic of a preview goes, for a gateway that has its token. */
  resolve(token: string): ResolvedToken {
    const { sessions } = this.#options;
    const { preview, expiresAt, mode } = this.#find(token);
    const { sessionId, port } = preview;
    if (sessionId === undefined || port === undefined) {
      throw new TenkiError("failed_precondition", `the preview URL ${preview.slug} points at nothing`);
    }
    const isOffline = sessions.get(sessionId).state !== "RUNNING";
    return { sessionId, port, mode, expiresAt, isOffline };
  }

  async #door(sessionId: string, port: number, until: Date): Promise<PreviewRecord> {
    const { previews } = this.#options;
    const known = previews.table.of(sessionId).find((each) => each.kind === "viewing" && each.port === port);
    if (known === undefined) {
      requireRoom(previews, sessionId);
      const wanted = { sessionId, port, slug: undefined, expiresAt: until };
      return previews.open({ ...wanted, kind: "viewing", protocol: "http" });
    }
    if (known.expiresAt !== undefined && known.expiresAt >= until) return known;
    if (previews.table.isExpired(known)) requireRoom(previews, sessionId);
    return previews.renew(known.id, { expiresAt: until });
  }

  #until(expiresAt: Date | undefined, now: Date): Date {
    if (expiresAt === undefined) return new Date(now.getTime() + defaultLifetimeMs);
    requireFuture(expiresAt, now);
    if (expiresAt.getTime() - now.getTime() <= longestLifetimeMs) return expiresAt;
    throw new TenkiError("invalid_argument", "a viewer's link is good for 24 hours at most");
  }

  #find(token: string): Pick<ResolvedToken, "expiresAt" | "mode"> & { readonly preview: PreviewRecord } {
    const { tokens, previews } = this.#options;
    const grant = tokens.read(token);
    const viewed = grant && previews.table.find(grant.previewId);
    if (viewed !== undefined) return { preview: viewed, expiresAt: grant?.expiresAt, mode: "viewer" };
    const preview = previews.table.findByToken(token);
    if (preview !== undefined && !previews.table.isExpired(preview) && preview.kind !== "viewing")
      return { preview, expiresAt: preview.expiresAt, mode: "public" };
    throw new TenkiError("not_found", "preview token not found, or over");
  }
}
