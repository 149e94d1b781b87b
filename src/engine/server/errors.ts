import { randomBytes } from "node:crypto";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { type ErrorKind, hintHeader, TenkiError } from "../../domain/error.js";
import type { Logger } from "../../lib/logger.js";
import { endingWith } from "./stream-end.js";

/** The border between our errors and the wire's; nothing that a method throws passes it otherwise. */
export function convertErrors(log: Logger): Interceptor {
  return (next) => async (request) => {
    const name = `${request.service.typeName}/${request.method.name}`;
    const convert = (error: unknown) =>
      toWireError(error, request.signal, (id) => report(log, name, id, error));
    try {
      const response = await next(request);
      if (!response.stream) return response;
      return { ...response, message: endingWith(response.message, { failed: convert }) };
    } catch (error) {
      throw convert(error);
    }
  };
}

const codes: Readonly<Record<ErrorKind, Code>> = {
  usage: Code.InvalidArgument,
  cancelled: Code.Canceled,
  unknown: Code.Unknown,
  invalid_argument: Code.InvalidArgument,
  deadline_exceeded: Code.DeadlineExceeded,
  not_found: Code.NotFound,
  already_exists: Code.AlreadyExists,
  permission_denied: Code.PermissionDenied,
  resource_exhausted: Code.ResourceExhausted,
  failed_precondition: Code.FailedPrecondition,
  aborted: Code.Aborted,
  out_of_range: Code.OutOfRange,
  unimplemented: Code.Unimplemented,
  internal: Code.Internal,
  unavailable: Code.Unavailable,
  data_loss: Code.DataLoss,
  unauthenticated: Code.Unauthenticated,
};

/** Trailers hold a message; a guest's words in it must not grow past what a client takes as a header. */
const messageCap = 4_096;

/** What a client is told: our prose as it is, and of what nobody foresaw nothing but a reference into the log. */
export function toWireError(
  error: unknown,
  signal: AbortSignal,
  reportUnexpected: (id: string) => void,
): ConnectError {
  if (error instanceof ConnectError) return error;
  if (error instanceof TenkiError) {
    return new ConnectError(wireMessage(error), codes[error.kind], hintOf(error), undefined, error);
  }
  // The call is over, by its deadline or its caller: whatever broke off because of it is no failure of its own.
  if (signal.aborted) return ConnectError.from(signal.reason, Code.Canceled);
  const id = randomBytes(4).toString("hex");
  reportUnexpected(id);
  return new ConnectError(`internal error: see reference ${id} in the engine's log`, Code.Internal);
}

function wireMessage({ message, hint }: TenkiError): string {
  const whole = hint === undefined ? message : `${message} (${hint})`;
  return Buffer.from(whole.slice(0, messageCap)).toString(); // half a surrogate pair would not go into a header
}

function hintOf({ hint }: TenkiError): Record<string, string> {
  return hint === undefined ? {} : { [hintHeader]: encodeURIComponent(hint.slice(0, messageCap)) };
}

function report(log: Logger, method: string, reference: string, error: unknown): void {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log.error("unexpected error", { method, reference, stack });
}
