import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { HandlerContext } from "@connectrpc/connect";
import type { SignedLinks } from "../core/access/signed-links.js";

export type Direction = "upload" | "download";

export const artifactsPrefix = "/artifacts/";

/** `/artifacts/<id>/upload?expires=…&signature=…`, each good for one artifact and one direction. */
export class ArtifactLinks {
  readonly #links: SignedLinks;
  readonly #publicUrl: string | undefined;

  constructor(links: SignedLinks, publicUrl?: string) {
    this.#links = links;
    this.#publicUrl = publicUrl;
  }

  /** Under the name that the engine was called by. */
  issue(id: string, direction: Direction, context: HandlerContext) {
    const { expires, signature, expiresAt } = this.#links.sign(claim(id, direction));
    const url = new URL(
      `${artifactsPrefix}${id}/${direction}`,
      this.#publicUrl ?? new URL(context.url).origin,
    );
    url.search = new URLSearchParams({ expires, signature }).toString();
    return { url: url.href, expiresAt: timestampFromDate(expiresAt) };
  }

  /** What a path and its query are good for; undefined where it is no such path, and refused where it is not genuine. */
  read(target: string): { readonly id: string; readonly direction: Direction } | undefined {
    const [path = "", query = ""] = target.split("?", 2);
    const [, id, direction] = /^\/artifacts\/([0-9a-f-]{36})\/(upload|download)$/.exec(path) ?? [];
    if (id === undefined || direction === undefined) return undefined;
    const given = new URLSearchParams(query);
    const [expires, signature] = [given.get("expires") ?? "", given.get("signature") ?? ""];
    this.#links.check(claim(id, direction as Direction), { expires, signature });
    return { id, direction: direction as Direction };
  }
}

const claim = (id: string, direction: Direction): string => `artifact ${direction} ${id}`;
