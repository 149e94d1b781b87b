import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { HandlerContext } from "@connectrpc/connect";
import type { SessionState } from "../../domain/session.js";
import { DataPlaneRouteStatus } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { Credentials } from "../core/access/credentials.js";

/** What a caller needs for the data plane of a session; it is the engine's own port, under the name it was called by. */
export class DataPlaneAccess {
  readonly #credentials: Credentials;
  readonly #publicUrl: string | undefined;

  constructor(credentials: Credentials, publicUrl?: string) {
    this.#credentials = credentials;
    this.#publicUrl = publicUrl;
  }

  grant({ id, state }: { readonly id: string; readonly state: SessionState }, context: HandlerContext) {
    const { credential, expiresAt } = this.#credentials.issue(id);
    return {
      dataPlaneEndpoint: this.#publicUrl ?? new URL(context.url).origin,
      credential: { credential, expiresAt: timestampFromDate(expiresAt) },
      routeStatus: state === "RUNNING" ? DataPlaneRouteStatus.VERIFIED : DataPlaneRouteStatus.NOT_READY,
    };
  }
}
