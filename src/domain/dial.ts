import { type ErrorKind, TenkiError } from "./error.js";

/** Why nobody was reached, or no longer is: nobody listens, no answer in time, a path that may not be dialled, broken off. */
export type DialFailure = "refused" | "timeout" | "path_denied" | "reset";

/** What kind of error each is. */
export const dialFailureKinds: Readonly<Record<DialFailure, ErrorKind>> = {
  refused: "unavailable",
  timeout: "deadline_exceeded",
  path_denied: "permission_denied",
  reset: "unavailable",
};

/** A connection to something inside that was not made, or broke. */
export class DialError extends TenkiError {
  readonly failure: DialFailure;
  /** The kernel's number for it; 0 where it has none. */
  readonly errno: number;

  constructor(failure: DialFailure, message: string, details: { errno?: number; cause?: unknown } = {}) {
    super(dialFailureKinds[failure], message, { cause: details.cause });
    this.failure = failure;
    this.errno = details.errno ?? 0;
  }
}

/** A port inside that could not be listened on. */
export class ListenError extends TenkiError {
  /** The kernel's number for it; 0 where it has none. */
  readonly errno: number;

  constructor(message: string, details: { errno?: number; cause?: unknown } = {}) {
    super("failed_precondition", message, { cause: details.cause });
    this.errno = details.errno ?? 0;
  }
}
