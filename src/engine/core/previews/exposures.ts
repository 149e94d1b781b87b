import { TenkiError } from "../../../domain/error.js";
import { exposedPortsMax } from "../workspace/limits.js";
import type { Clock } from "../ports/clock.js";
import type { PreviewRecord } from "../ports/preview-store.js";
import type { Previews } from "./previews.js";

export interface ExposePort {
  readonly port: number;
  readonly protocol: PreviewRecord["protocol"];
  readonly expiresAt?: Date | undefined;
  readonly slug?: string | undefined;
}

/** Ports of sessions that everybody who knows the address can reach. */
export class Exposures {
  readonly #previews: Previews;
  readonly #clock: Clock;

  constructor(previews: Previews, clock: Clock) {
    this.#previews = previews;
    this.#clock = clock;
  }

  /** One that has expired is exposed again under the address that it had, unless it asks for another. */
  expose(sessionId: string, wanted: ExposePort): Promise<PreviewRecord> {
    const { port, protocol, expiresAt, slug } = wanted;
    return this.#previews.turns.run(sessionId, async () => {
      this.#previews.requireReachable(sessionId);
      if (expiresAt !== undefined) requireFuture(expiresAt, this.#clock.now());
      const known = this.#find(sessionId, port);
      if (known !== undefined && !this.#previews.table.isExpired(known)) throw this.#exposedAlready(known);
      requireRoom(this.#previews, sessionId);
      const isSame = known?.protocol === protocol && (slug === undefined || slug === known.slug);
      if (known !== undefined && isSame) return this.#previews.renew(known.id, { expiresAt });
      if (known !== undefined) this.#previews.remove(known.id);
      return this.#previews.open({ kind: "exposure", protocol, slug, sessionId, port, expiresAt });
    });
  }

  /** Cuts what is connected. */
  unexpose(sessionId: string, port: number): Promise<void> {
    return this.#previews.turns.run(sessionId, async () => {
      const known = this.#find(sessionId, port);
      if (known === undefined) {
        const hint = `tenki sandbox ports ${sessionId}`;
        throw new TenkiError("not_found", `port ${port} is not exposed`, { hint });
      }
      this.#previews.remove(known.id);
    });
  }

  /** Those that have not expired, by their ports. */
  list(sessionId: string): PreviewRecord[] {
    const { table } = this.#previews;
    const open = table.of(sessionId).filter((each) => each.kind === "exposure" && !table.isExpired(each));
    return open.sort((a, b) => (a.port ?? 0) - (b.port ?? 0));
  }

  #find(sessionId: string, port: number): PreviewRecord | undefined {
    const ofSession = this.#previews.table.of(sessionId);
    return ofSession.find((each) => each.kind === "exposure" && each.port === port);
  }

  #exposedAlready(known: PreviewRecord): TenkiError {
    const at = this.#previews.addresses.url(known);
    return new TenkiError("already_exists", `port ${known.port} is exposed already: ${at}`, {
      hint: `tenki sandbox unexpose ${known.port} takes that back`,
    });
  }
}

/** Keeps what is open, and the doors that only say "expired", within bounds. */
export function requireRoom(previews: Previews, sessionId: string): void {
  const { table } = previews;
  const all = table.of(sessionId).filter(({ kind }) => kind !== "name");
  const expired = all.filter((preview) => table.isExpired(preview));
  if (all.length - expired.length >= exposedPortsMax) {
    throw new TenkiError(
      "resource_exhausted",
      `the session has the maximum exposed ports already: ${exposedPortsMax}`,
      { hint: "tenki sandbox unexpose PORT makes room" },
    );
  }
  for (const oldest of expired.slice(exposedPortsMax - 1)) previews.remove(oldest.id);
}

export function requireFuture(expiresAt: Date, now: Date): void {
  if (expiresAt > now) return;
  throw new TenkiError("invalid_argument", "expires_at must be in the future");
}
