import { TenkiError } from "../../../domain/error.js";
import type { PreviewRecord } from "../ports/preview-store.js";

export interface PreviewAddressesOptions {
  /** Below which every preview has a name; undefined = there are only doors on loopback. */
  readonly domain: string | undefined;
  readonly workspaceId: string;
  /** Where the engine is reached: names below the domain lead there. Known once it listens. */
  readonly engineUrl: () => string;
}

const slugPattern = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
/** As long as one label of a DNS name may be. */
const labelMax = 63;

/** What previews are called from outside. */
export class PreviewAddresses {
  readonly #options: PreviewAddressesOptions;
  /** `--12345678`: a whole id would leave no room for a slug. */
  readonly #suffix: string;

  constructor(options: PreviewAddressesOptions) {
    this.#options = options;
    this.#suffix = `--${options.workspaceId.slice(0, 8)}`;
  }

  url(preview: PreviewRecord): string {
    const { domain, engineUrl } = this.#options;
    if (preview.protocol === "tcp") return `tcp://${this.host(preview)}`;
    if (domain === undefined || preview.slug.length > this.#longest) return `http://${this.host(preview)}`;
    const { protocol, port } = new URL(engineUrl());
    return `${protocol}//${preview.slug}${this.#suffix}.${domain}${port === "" ? "" : `:${port}`}`;
  }

  /** Its door. */
  host({ doorPort }: PreviewRecord): string {
    return `127.0.0.1:${doorPort}`;
  }

  /** The slug that a Host header names; `""` for another name below the domain, undefined for all others. */
  readHost(header: string | undefined): string | undefined {
    const { domain } = this.#options;
    const name = header?.replace(/:\d+$/, "").toLowerCase();
    if (domain === undefined || name === undefined || !name.endsWith(`.${domain}`)) return undefined;
    const label = name.slice(0, -domain.length - 1);
    return label.endsWith(this.#suffix) ? label.slice(0, -this.#suffix.length) : "";
  }

  /** Refuses a slug that is none, or has no room in a name. */
  checkSlug(slug: string): void {
    if (slugPattern.test(slug) && slug.length >= 3 && slug.length <= this.#longest) return;
    throw new TenkiError(
      "invalid_argument",
      `a slug has 3 to ${this.#longest} lower-case letters, digits and inner hyphens`,
    );
  }

  /** One of before the engine had a domain can be longer: there is no name for it. */
  get #longest(): number {
    return this.#options.domain === undefined ? labelMax : labelMax - this.#suffix.length;
  }
}
