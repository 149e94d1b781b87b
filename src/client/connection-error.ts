import { SandboxError } from "./errors.js";

export interface ConnectionErrorDetails {
  /** False only where it is certain that the service never saw the request. */
  readonly requestSent: boolean;
  /** False where trying again cannot help, such as a certificate that is not trusted. */
  readonly retryable?: boolean;
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** The service could not be reached, or the connection to it broke. */
export class ConnectionError extends SandboxError {
  readonly requestSent: boolean;
  readonly retryable: boolean;

  constructor(message: string, details: ConnectionErrorDetails) {
    super("unavailable", message, { hint: details.hint, cause: details.cause });
    this.requestSent = details.requestSent;
    this.retryable = details.retryable ?? true;
  }
}

/** Explains why no connection came about. */
export function unreachable(endpoint: string, cause: unknown): ConnectionError {
  const code = errorCode(cause);
  const certificate = certificateProblems[code];
  if (certificate !== undefined) {
    return new ConnectionError(`cannot trust ${endpoint}: ${certificate}`, {
      ...{ requestSent: false, retryable: false, cause },
      hint: "add its certificate authority with NODE_EXTRA_CA_CERTS, or use the name it is issued for",
    });
  }
  if (code.startsWith("ERR_SSL_") || code === "EPROTO") {
    return new ConnectionError(`cannot reach ${endpoint}: it does not speak HTTP/2 over TLS`, {
      ...{ requestSent: false, retryable: false, cause },
      hint: "check the port, and whether it is an http:// address",
    });
  }
  const reason = connectProblems[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new ConnectionError(`cannot reach ${endpoint}: ${reason}`, {
    ...{ requestSent: false, cause },
    hint: reachHint(endpoint),
  });
}

/** Explains how a connection that was there broke; undefined where it did not. */
export function explainLoss(
  error: unknown,
  endpoint: string,
  spokeHttp2: boolean,
): ConnectionError | undefined {
  const node = nodeError(error);
  const text = messageOf(error);
  if (text.includes("REFUSED_STREAM")) {
    return new ConnectionError(`${endpoint} takes no more requests on this connection`, {
      ...{ requestSent: false, cause: error },
    });
  }
  const broke = node?.code?.startsWith("ERR_HTTP2_") || brokenStreams.some((start) => text.startsWith(start));
  if (!broke && connectProblems[node?.code ?? ""] === undefined) return undefined;
  if (!spokeHttp2) {
    return new ConnectionError(`${endpoint} answers, but does not speak HTTP/2`, {
      ...{ requestSent: true, retryable: false, cause: error },
      hint: "check the port, and whether it is an http:// or an https:// address",
    });
  }
  return new ConnectionError(`the connection to ${endpoint} was lost`, {
    ...{ requestSent: true, cause: error },
    hint: reachHint(endpoint),
  });
}

/** How the gRPC library words a stream whose end never came. */
const brokenStreams = [
  "http/2 stream closed with error code",
  "protocol error: missing status",
  "protocol error: incomplete envelope",
  "protocol error: missing output message",
];

const connectProblems: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EPIPE: "connection closed",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the name service does not answer",
  ETIMEDOUT: "no answer",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no network",
};

const certificateProblems: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate chain ends in a self-signed one",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate's issuer is unknown",
  UNABLE_TO_GET_ISSUER_CERT: "its certificate's issuer is unknown",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate's issuer is unknown",
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
};

const reachHint = (endpoint: string): string | undefined =>
  /^https?:\/\/(127\.|localhost|\[::1\])/.test(endpoint)
    ? "`tenki engine start` starts the local engine"
    : undefined;

const errorCode = (error: unknown): string => nodeError(error)?.code ?? "";

/** The innermost error that Node itself made. */
function nodeError(error: unknown): NodeJS.ErrnoException | undefined {
  let found: NodeJS.ErrnoException | undefined;
  for (let e = error, depth = 0; e instanceof Error && depth < 8; e = e.cause, depth++) {
    if (typeof (e as NodeJS.ErrnoException).code === "string") found = e;
  }
  return found;
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? String("rawMessage" in error ? error.rawMessage : error.message) : String(error);
