import { TenkiError } from "../../domain/error.js";
import type { Logger } from "../../lib/logger.js";
import { artifactBytesMax, type Artifacts, tooLarge } from "../core/files/artifacts.js";
import type { ArtifactRecord } from "../core/ports/artifact-store.js";
import type { HttpRoute } from "../server/routes.js";
import { type NodeResponse, sendResponse } from "../server/send-response.js";
import { type NodeRequest, toUniversalRequest } from "../server/universal-request.js";
import { type ArtifactLinks, artifactsPrefix, type Direction } from "./artifact-links.js";
import { answerLinkError, requireAllowedOrigin, requireMethod } from "./link-answer.js";
import { downloadResponse } from "./artifact-response.js";

export interface ArtifactRouteOptions {
  readonly artifacts: Artifacts;
  readonly links: ArtifactLinks;
  readonly log: Logger;
}

interface Transfer {
  readonly artifact: ArtifactRecord;
  readonly direction: Direction;
  readonly request: NodeRequest;
  readonly response: NodeResponse;
}

const methods: Readonly<Record<Direction, readonly string[]>> = {
  upload: ["PUT"],
  download: ["GET", "HEAD"],
};

/** Serves the links of artifacts to whoever has them: `curl -T file URL`, `curl URL`. */
export function artifactRoute(options: ArtifactRouteOptions): HttpRoute {
  return {
    prefix: artifactsPrefix,
    async handle(request, response) {
      const startedAt = performance.now();
      const seen: { transfer?: Transfer } = {};
      const ended = (status: number) => {
        const { artifact, direction } = seen.transfer ?? {};
        const ms = Math.round(performance.now() - startedAt);
        const { id, sessionId } = artifact ?? {};
        options.log.info("artifact", { artifact: id, session: sessionId, direction, status, ms });
      };
      try {
        seen.transfer = admit(options, request, response);
        await transfer(options.artifacts, seen.transfer);
        ended(200);
      } catch (error) {
        if (response.headersSent) throw error;
        ended(answerLinkError(error, { what: "artifact", request, response, log: options.log }));
      }
    },
  };
}

/** What a request is for, where it may be. */
function admit(
  { links, artifacts }: ArtifactRouteOptions,
  request: NodeRequest,
  response: NodeResponse,
): Transfer {
  requireAllowedOrigin(request);
  const link = links.read(request.url ?? "");
  if (link === undefined) throw new TenkiError("not_found", "no such path");
  requireMethod(request, methods[link.direction]);
  return { artifact: artifacts.get(link.id), direction: link.direction, request, response };
}

async function transfer(
  artifacts: Artifacts,
  { artifact, direction, request, response }: Transfer,
): Promise<void> {
  if (direction === "upload") {
    await artifacts.upload(artifact, bodyOf(request, response));
    response.writeHead(200, { "content-length": 0 });
    response.end();
    return;
  }
  const headOnly = request.method === "HEAD";
  const content = await artifacts.download(artifact, { offset: 0, length: headOnly ? 1 : 0, chunkBytes: 0 });
  await sendResponse(await downloadResponse(artifact, content, { headOnly }), response);
}

/** The body of an upload: whole, or it throws. */
async function* bodyOf(
  request: NodeRequest,
  response: NodeResponse,
): AsyncGenerator<Uint8Array, void, undefined> {
  const announced = Number(request.headers["content-length"] ?? Number.NaN);
  if (announced > artifactBytesMax) throw tooLarge();
  const universal = toUniversalRequest(request, response, { confirmEnd: true });
  if (universal === undefined) throw new TenkiError("invalid_argument", "the request names no host");
  let bytes = 0;
  try {
    for await (const chunk of universal.body as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      yield chunk;
    }
  } catch (error) {
    universal.signal.throwIfAborted();
    throw error;
  }
  if (bytes < announced)
    throw new TenkiError("invalid_argument", "the body is shorter than its content-length");
}
