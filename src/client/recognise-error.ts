import type { ErrorDetails, ErrorKind } from "../domain/error.js";
import {
  CapabilityUnavailableError,
  CapacityUnavailableError,
  CommandTimeoutError,
  ExecutionNotFoundError,
  FileNotFoundError,
  GitOperationFailedError,
  InboundDisabledError,
  InvalidStateError,
  PermissionDeniedError,
  PortLimitExceededError,
  QuotaExceededError,
  RateLimitedError,
  RegistryImageNotFoundError,
  SandboxError,
  SessionExpiredError,
  SessionNotFoundError,
  SessionTerminatedError,
  SnapshotNotDurableError,
  SnapshotNotFoundError,
  SSHUnavailableError,
  TemplateBuildInProgressError,
  TemplateBuildNotFoundError,
  TemplateExistsError,
  TemplateNotFoundError,
  UnauthorizedError,
  VolumeInUseError,
  VolumeLimitExceededError,
  VolumeNotFoundError,
  VolumeSyncPendingError,
} from "./errors.js";

type ErrorClass = new (kind: ErrorKind, message: string, details?: ErrorDetails) => SandboxError;
type Row = readonly [contains: string, type: ErrorClass];

/**
 * What the contract tells apart by wording: per kind, the first row whose text the lower-cased
 * message contains; "" is the rest. Nothing else in this library looks into a message.
 */
const rows: Readonly<Partial<Record<ErrorKind, readonly Row[]>>> = {
  unauthenticated: [["", UnauthorizedError]],
  permission_denied: [["", PermissionDeniedError]],
  not_found: [
    ["template build", TemplateBuildNotFoundError],
    ["template", TemplateNotFoundError],
    ["registry image", RegistryImageNotFoundError],
    ["snapshot", SnapshotNotFoundError],
    ["volume", VolumeNotFoundError],
    ["artifact", SessionExpiredError],
    ["no such file or directory", FileNotFoundError],
    ["execution", ExecutionNotFoundError],
    ["", SessionNotFoundError],
  ],
  already_exists: [["template", TemplateExistsError]],
  resource_exhausted: [
    ["maximum exposed ports", PortLimitExceededError],
    ["volume", VolumeLimitExceededError],
    ["rate limit", RateLimitedError],
    ["capacity", CapacityUnavailableError],
    ["", QuotaExceededError],
  ],
  failed_precondition: [
    ["failed (exit_code=", GitOperationFailedError], // first, for what git says follows
    ["snapshot not yet durable", SnapshotNotDurableError],
    ["template build already in progress", TemplateBuildInProgressError],
    ["terminated", SessionTerminatedError],
    ["sync pending", VolumeSyncPendingError],
    ["volume is attached", VolumeInUseError],
    ["volume is in use", VolumeInUseError],
    ["inbound access is disabled", InboundDisabledError],
    ["ssh", SSHUnavailableError],
    ["", InvalidStateError],
  ],
  deadline_exceeded: [["", CommandTimeoutError]],
  unavailable: [["ssh", SSHUnavailableError]],
  unimplemented: [["", CapabilityUnavailableError]],
};

const hints: Readonly<Partial<Record<ErrorKind, string>>> = {
  unauthenticated: "run `tenki login`, or set TENKI_AUTH_TOKEN",
};

export interface ServiceError {
  /** With the hint in parentheses behind it, where there is one. */
  readonly message: string;
  /** Percent-encoded; a service of ours says it apart. */
  readonly hint?: string | null | undefined;
  readonly cause?: unknown;
}

/** Makes the typed error of an answer that the service gave. */
export function recogniseError(kind: ErrorKind, { cause, ...said }: ServiceError): SandboxError {
  const hint = decode(said.hint) ?? hints[kind];
  const message = said.message.replace(` (${hint})`, "");
  const text = message.toLowerCase();
  const row = rows[kind]?.find(([contains]) => text.includes(contains));
  const ErrorType = row?.[1] ?? SandboxError;
  return new ErrorType(kind, message, { hint, cause });
}

function decode(hint: string | null | undefined): string | undefined {
  try {
    return hint === null || hint === undefined ? undefined : decodeURIComponent(hint);
  } catch {
    return undefined;
  }
}
