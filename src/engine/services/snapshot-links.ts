import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { HandlerContext } from "@connectrpc/connect";
import type { SignedLinks } from "../core/access/signed-links.js";

export const snapshotsPrefix = "/snapshots/";

/** `/snapshots/<id>/download?expires=…&signature=…`, each good for one snapshot. */
export class SnapshotLinks {
  readonly #links: SignedLinks;
  readonly #publicUrl: string | undefined;

  constructor(links: SignedLinks, publicUrl?: string) {
    this.#links = links;
    this.#publicUrl = publicUrl;
  }

  /** Under the name that the engine was called by. */
  issue(id: string, context: HandlerContext) {
    const { expires, signature, expiresAt } = this.#links.sign(claim(id));
    const url = new URL(`${snapshotsPrefix}${id}/download`, this.#publicUrl ?? new URL(context.url).origin);
    url.search = new URLSearchParams({ expires, signature }).toString();
    return { url: url.href, expiresAt: timestampFromDate(expiresAt) };
  }

  /** The snapshot's id; undefined where it is no such path, and refused where it is not genuine. */
  read(target: string): string | undefined {
    const [path = "", query = ""] = target.split("?", 2);
    const [, id] = /^\/snapshots\/([0-9a-f-]{36})\/download$/.exec(path) ?? [];
    if (id === undefined) return undefined;
    const given = new URLSearchParams(query);
    const [expires, signature] = [given.get("expires") ?? "", given.get("signature") ?? ""];
    this.#links.check(claim(id), { expires, signature });
    return id;
  }
}

const claim = (id: string): string => `snapshot download ${id}`;
