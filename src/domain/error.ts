/**
 * The closed list of what can go wrong. All but `usage` carry the names of the RPC status codes,
 * so that a border converts by name; `usage` is the command line's own: the words were wrong.
 */
export const errorKinds = [
  "usage",
  "cancelled",
  "unknown",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
] as const;

export type ErrorKind = (typeof errorKinds)[number];

export interface ErrorDetails {
  /** A command or an action that mends it, shown after the message. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** By which a service of ours says its hint apart from its message, which holds it too; percent-encoded. */
export const hintHeader = "x-tenki-hint";

/** The one error class: prose in lower case without a full stop, saying what failed and why. */
export class TenkiError extends Error {
  readonly kind: ErrorKind;
  readonly hint: string | undefined;

  constructor(kind: ErrorKind, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.kind = kind;
    this.hint = details.hint;
  }
}
