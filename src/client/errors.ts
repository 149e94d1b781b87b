import { dialFailureKinds, type DialFailure } from "../domain/dial.js";
import { TenkiError, type ErrorDetails, type ErrorKind } from "../domain/error.js";
import type { ExecResult } from "./exec-result.js";
import type { Session } from "./session.js";

/** What every error of this library extends. */
export class SandboxError extends TenkiError {}

/** A token is nowhere to be had. */
export class MissingAuthTokenError extends SandboxError {
  constructor() {
    super("unauthenticated", "no token: this machine is not logged in", {
      hint: "run `tenki login`, or set TENKI_AUTH_TOKEN",
    });
  }
}

export class UnauthorizedError extends SandboxError {}
export class PermissionDeniedError extends SandboxError {}

export class SessionNotFoundError extends SandboxError {}
/** What belonged to a session has gone with it. */
export class SessionExpiredError extends SandboxError {}
export class SessionTerminatedError extends SandboxError {}
/** The session's state does not allow it; the message names the state. */
export class InvalidStateError extends SandboxError {
  /** `PAUSED`, say; undefined where the message does not name it. */
  readonly state: string | undefined;

  constructor(kind: ErrorKind, message: string, details?: ErrorDetails) {
    super(kind, message, details);
    this.state = /\bstate=([A-Z_]+)/.exec(message)?.[1];
  }
}
export class ResumeFailedError extends SandboxError {}

/** The session exists, and did not become ready; it is left as it is. */
export class WaitReadyFailedError extends SandboxError {
  readonly session: Session;

  constructor(kind: ErrorKind, message: string, session: Session, details?: ErrorDetails) {
    super(kind, message, details);
    this.session = session;
  }
}

/** The session runs, and its template's runtime does not. */
export class TemplateRuntimeFailedError extends WaitReadyFailedError {}

/** A command ran past its time, and was ended. */
export class CommandTimeoutError extends SandboxError {
  /** What it had written until then, where this library ran it. */
  readonly result: ExecResult | undefined;

  constructor(kind: ErrorKind, message: string, details?: ErrorDetails & { readonly result?: ExecResult }) {
    super(kind, message, details);
    this.result = details?.result;
  }
}

/** Thrown by `checkResult` for a command that ended with another code than 0. */
export class CommandFailedError extends SandboxError {
  readonly result: ExecResult;

  constructor(message: string, result: ExecResult) {
    super("failed_precondition", message);
    this.result = result;
  }
}

/** A connection to something inside that was not made, or broke. */
export class DialFailedError extends SandboxError {
  readonly failure: DialFailure;

  constructor(failure: DialFailure, message: string, details?: ErrorDetails) {
    super(dialFailureKinds[failure], message, details);
    this.failure = failure;
  }
}

/** There is no such execution, or what was kept of it has gone. */
export class ExecutionNotFoundError extends SandboxError {}

/** The stream that was written to has ended. */
export class StreamClosedError extends SandboxError {}
export class FileNotFoundError extends SandboxError {}

export class QuotaExceededError extends SandboxError {}
export class CapacityUnavailableError extends SandboxError {}
export class PortLimitExceededError extends SandboxError {}
export class InboundDisabledError extends SandboxError {}
export class SSHUnavailableError extends SandboxError {}

/** Too many requests; the same one succeeds later. */
export class RateLimitedError extends SandboxError {
  readonly retryable = true;
}

export class VolumeNotFoundError extends SandboxError {}
export class VolumeInUseError extends SandboxError {}
export class VolumeSyncPendingError extends SandboxError {}
export class VolumeLimitExceededError extends SandboxError {}

export class SnapshotNotFoundError extends SandboxError {}
export class SnapshotFailedError extends SandboxError {}
export class SnapshotNotDurableError extends SandboxError {}

export class TemplateNotFoundError extends SandboxError {}
export class TemplateExistsError extends SandboxError {}
export class TemplateBuildNotFoundError extends SandboxError {}
export class TemplateBuildInProgressError extends SandboxError {}
export class RegistryImageNotFoundError extends SandboxError {}

export class GitOperationFailedError extends SandboxError {
  readonly exitCode: number | undefined;
  readonly stderr: string;

  constructor(kind: ErrorKind, message: string, details?: ErrorDetails) {
    super(kind, message, details);
    const [, exitCode, stderr] = /exit_code=(\d+)\)(?:; [^:]*: ([\s\S]*))?/.exec(message) ?? [];
    this.exitCode = exitCode === undefined ? undefined : Number(exitCode);
    this.stderr = stderr ?? "";
  }
}

/** The service, or the sandbox's agent, is too old for what was asked. */
export class CapabilityUnavailableError extends SandboxError {}

/** The way to the sandbox is not open yet (or, where `terminal`, never will be). */
export class DataPlaneNotReadyError extends SandboxError {
  readonly terminal: boolean;
  readonly retryable: boolean;

  constructor(message: string, details?: ErrorDetails & { readonly terminal?: boolean }) {
    super("unavailable", message, details);
    this.terminal = details?.terminal ?? false;
    this.retryable = !this.terminal;
  }
}

/** A list's next page is the page itself. */
export class PaginationStalledError extends SandboxError {}
