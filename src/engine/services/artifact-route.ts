import { randomBytes } from "node:crypto";
import { ConnectError } from "@connectrpc/connect";
import { type ErrorKind, TenkiError } from "../../domain/error.js";
import type { Logger } from "../../lib/logger.js";
import { artifactBytesMax, type Artifacts, tooLarge } from "../core/artifacts.js";
import type { ArtifactRecord } from "../core/ports/artifact-store.js";
import { refuse, refuseBody } from "../server/node-handler.js";
import { isAllowedOrigin } from "../server/origin.js";
import type { HttpRoute } from "../server/routes.js";
import { type NodeResponse, sendResponse } from "../server/send-response.js";
import { type NodeRequest, toUniversalRequest } from "../server/universal-request.js";
import { type ArtifactLinks, artifactsPrefix, type Direction } from "./artifact-links.js";
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
        ended(answerError(error, request, response, options.log));
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
  if (!isAllowedOrigin(request.headers.origin)) {
    throw new TenkiError("permission_denied", "requests from web pages of other hosts are refused");
  }
  const link = links.read(request.url ?? "");
  if (link === undefined) throw new TenkiError("not_found", "no such path");
  const allowed = methods[link.direction];
  if (!allowed.includes(request.method ?? "")) throw new WrongMethodError(allowed);
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

class WrongMethodError extends TenkiError {
  readonly allowed: string;

  constructor(allowed: readonly string[]) {
    super("invalid_argument", `the link is for ${allowed.join(" and ")} only`);
    this.allowed = allowed.join(", ");
  }
}

const statuses: Readonly<Partial<Record<ErrorKind, number>>> = {
  invalid_argument: 400,
  permission_denied: 403,
  not_found: 404,
  failed_precondition: 409,
  out_of_range: 413,
  unavailable: 503,
  resource_exhausted: 507,
};

/** Says why, in a short text, and returns the status. */
function answerError(error: unknown, request: NodeRequest, response: NodeResponse, log: Logger): number {
  if (error instanceof ConnectError) {
    response.destroy(); // the caller went away
    return 499;
  }
  const known = error instanceof TenkiError ? statuses[error.kind] : undefined;
  const status = error instanceof WrongMethodError ? 405 : (known ?? 500);
  if (error instanceof WrongMethodError) response.setHeader("allow", error.allowed);
  refuse(response, status, known === undefined ? unexpected(error, log) : (error as TenkiError).message);
  refuseBody(request);
  return status;
}

function unexpected(error: unknown, log: Logger): string {
  const reference = randomBytes(4).toString("hex");
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log.error("unexpected error", { method: "artifact", reference, stack });
  return `internal error: see reference ${reference} in the engine's log`;
}
