import { randomBytes } from "node:crypto";
import { ConnectError } from "@connectrpc/connect";
import { type ErrorKind, TenkiError } from "../../domain/error.js";
import type { Logger } from "../../lib/logger.js";
import { refuse, refuseBody } from "../server/node-handler.js";
import { isAllowedOrigin } from "../server/origin.js";
import type { NodeResponse } from "../server/send-response.js";
import type { NodeRequest } from "../server/universal-request.js";

/** Who follows a link from a page of somebody else is not served. */
export function requireAllowedOrigin(request: NodeRequest): void {
  if (isAllowedOrigin(request.headers.origin)) return;
  throw new TenkiError("permission_denied", "requests from web pages of other hosts are refused");
}

export function requireMethod(request: NodeRequest, allowed: readonly string[]): void {
  if (!allowed.includes(request.method ?? "")) throw new WrongMethodError(allowed);
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

export interface LinkCall {
  /** As the log calls what is linked to. */
  readonly what: string;
  readonly request: NodeRequest;
  readonly response: NodeResponse;
  readonly log: Logger;
}

/** Says why a link is not served, in a short text, and returns the status. */
export function answerLinkError(error: unknown, { what, request, response, log }: LinkCall): number {
  if (error instanceof ConnectError) {
    response.destroy(); // the caller went away
    return 499;
  }
  const known = error instanceof TenkiError ? statuses[error.kind] : undefined;
  const status = error instanceof WrongMethodError ? 405 : (known ?? 500);
  if (error instanceof WrongMethodError) response.setHeader("allow", error.allowed);
  refuse(
    response,
    status,
    known === undefined ? unexpected(error, what, log) : (error as TenkiError).message,
  );
  refuseBody(request);
  return status;
}

function unexpected(error: unknown, method: string, log: Logger): string {
  const reference = randomBytes(4).toString("hex");
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log.error("unexpected error", { method, reference, stack });
  return `internal error: see reference ${reference} in the engine's log`;
}
