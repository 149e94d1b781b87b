import { errorKinds, hintHeader, TenkiError, type ErrorKind } from "../domain/error.js";
import { formatGoDuration } from "../lib/go-duration.js";
import { blankSecrets } from "./authentication.js";
import { explainLoss } from "./connection-error.js";
import { DataPlaneNotReadyError, SandboxError } from "./errors.js";
import { recogniseError } from "./recognise-error.js";

/** What an error's text needs to know of the call it happened in. */
export interface CallContext {
  readonly endpoint: string;
  /** `SandboxService.GetSession`, or what was waited for in words. */
  readonly what: string;
  readonly dataPlane: boolean;
  readonly timeoutMs: number | undefined;
  readonly startedAt: number;
  readonly signal: AbortSignal | undefined;
  readonly secrets: readonly string[];
  /** Whether the other side has shown that it is an HTTP/2 service. */
  spokeHttp2(): boolean;
}

/** Turns whatever a call threw into one of our own, once, at the border. */
export function toCallError(error: unknown, context: CallContext): TenkiError {
  const own = findOwn(error);
  if (own !== undefined) return own;
  if (context.signal?.aborted) return cancelled(context);
  if (isExpired(error, context)) return expired(context, error);
  const loss = explainLoss(error, context.endpoint, context.spokeHttp2());
  if (loss !== undefined) return loss;
  if (!isStatusError(error)) return new SandboxError("internal", textOf(error), { cause: error });
  const kind = errorKinds[error.code] ?? "unknown";
  const http = /^HTTP (\d+)$/.exec(error.rawMessage)?.[1];
  if (http !== undefined) return httpError(http, kind, context, error);
  const message = blankSecrets(error.rawMessage, context.secrets);
  return recogniseError(kind, { message, hint: error.metadata?.get(hintHeader), cause: error });
}

export function cancelled(context: Pick<CallContext, "what" | "signal">): SandboxError {
  return new SandboxError("cancelled", `${context.what} was cancelled`, { cause: context.signal?.reason });
}

export function expired(context: CallContext, cause?: unknown): SandboxError {
  const within = formatGoDuration(context.timeoutMs ?? 0);
  return new SandboxError(
    "deadline_exceeded",
    `no answer from ${context.endpoint} to ${context.what} within ${within}`,
    {
      cause,
    },
  );
}

/** An answer by a web server that is no Tenki service, or by one in front of it. */
function httpError(status: string, kind: ErrorKind, context: CallContext, cause: unknown): SandboxError {
  if (status === "404" && context.dataPlane) {
    return new DataPlaneNotReadyError("the way to the sandbox is not ready yet", { cause });
  }
  const hint = status === "404" ? "check the endpoint: is it a Tenki service?" : undefined;
  return recogniseErrorWithHint(
    kind,
    `${context.endpoint} answered ${context.what} with HTTP ${status}`,
    cause,
    hint,
  );
}

function recogniseErrorWithHint(
  kind: ErrorKind,
  message: string,
  cause: unknown,
  hint?: string,
): SandboxError {
  return hint === undefined
    ? recogniseError(kind, { message, cause })
    : new SandboxError(kind, message, { hint, cause });
}

/** Our timer ended it, rather than the service. */
function isExpired(error: unknown, context: CallContext): boolean {
  if (context.timeoutMs === undefined || performance.now() - context.startedAt < context.timeoutMs - 1)
    return false;
  return !isStatusError(error) || ["deadline_exceeded", "cancelled"].includes(errorKinds[error.code] ?? "");
}

interface StatusError extends Error {
  readonly code: number;
  readonly rawMessage: string;
  readonly metadata?: Headers;
}

const isStatusError = (error: unknown): error is StatusError =>
  error instanceof Error && "rawMessage" in error && "code" in error && typeof error.code === "number";

/** The error of ours that another one stands for. */
export function findOwn(error: unknown): TenkiError | undefined {
  for (let e = error, depth = 0; e instanceof Error && depth < 8; e = e.cause, depth++) {
    if (e instanceof TenkiError) return e;
  }
  return undefined;
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
