import type { Readable } from "node:stream";
import { TenkiError } from "../../domain/error.js";
import type { Snapshot } from "../../domain/snapshot.js";
import type { Logger } from "../../lib/logger.js";
import { messageOf } from "../core/sessions/session-table.js";
import type { Sessions } from "../core/sessions/sessions.js";
import type { Snapshots } from "../core/snapshots/snapshots.js";
import type { HttpRoute } from "../server/routes.js";
import { type NodeResponse, sendResponse } from "../server/send-response.js";
import type { NodeRequest } from "../server/universal-request.js";
import { answerLinkError, requireAllowedOrigin, requireMethod } from "./link-answer.js";
import { type SnapshotLinks, snapshotsPrefix } from "./snapshot-links.js";

export interface SnapshotRouteOptions {
  readonly sessions: Sessions;
  readonly snapshots: Snapshots;
  readonly links: SnapshotLinks;
  readonly log: Logger;
}

/** Serves the links of snapshots to whoever has them: `curl URL | tar t`. */
export function snapshotRoute(options: SnapshotRouteOptions): HttpRoute {
  return {
    prefix: snapshotsPrefix,
    async handle(request, response) {
      const startedAt = performance.now();
      const seen: { id?: string } = {};
      const ended = (status: number) => {
        const ms = Math.round(performance.now() - startedAt);
        options.log.info("snapshot download", { snapshot: seen.id, status, ms });
      };
      try {
        const snapshot = admit(options, request);
        seen.id = snapshot.id;
        if (request.method === "HEAD") await sendHead(snapshot, response);
        else await sendTar(options.sessions, snapshot, response);
        ended(200);
      } catch (error) {
        if (response.headersSent) {
          const why = response.destroyed ? "its reader went away" : messageOf(error);
          options.log.warn("snapshot download broken off", { snapshot: seen.id, why });
          throw error;
        }
        ended(answerLinkError(error, { what: "snapshot", request, response, log: options.log }));
      }
    },
  };
}

/** What a request is for, where it may be. */
function admit({ links, snapshots }: SnapshotRouteOptions, request: NodeRequest): Snapshot {
  requireAllowedOrigin(request);
  const id = links.read(request.url ?? "");
  if (id === undefined) throw new TenkiError("not_found", "no such path");
  requireMethod(request, ["GET", "HEAD"]);
  return snapshots.requireReady(id);
}

const sendHead = (snapshot: Snapshot, response: NodeResponse): Promise<void> =>
  sendResponse({ status: 200, header: headers(snapshot) }, response);

/** How long it will be only its end tells: a tar of what is there. */
async function sendTar(sessions: Sessions, snapshot: Snapshot, response: NodeResponse): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const { tar, end } = await sessions.snapshots.export(snapshot.id, gone.signal);
  try {
    await sendResponse({ status: 200, header: headers(snapshot), body: bytesOf(tar) }, response);
  } finally {
    tar.destroy();
    await end();
  }
}

async function* bytesOf(tar: Readable): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of tar) yield chunk as Uint8Array;
}

/** To be saved, not to be shown as a page of the engine's own. */
const headers = ({ id }: Snapshot): Headers =>
  new Headers({
    "content-type": "application/x-tar",
    "content-disposition": `attachment; filename="snapshot-${id}.tar"`,
    "content-security-policy": "sandbox",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
  });
