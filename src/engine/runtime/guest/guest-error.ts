import { getSystemErrorMap } from "node:util";
import { constants } from "node:os";
import { type ErrorKind, TenkiError } from "../../../domain/error.js";
import { namePath } from "../../../domain/name-path.js";
import { homeDirectory } from "../../../domain/file.js";
import type { Frame } from "./frame-reader.js";
import { malformed, PayloadReader } from "./payload.js";
import { down, errorReason } from "./protocol.js";

export interface GuestFailure {
  readonly errno: number;
  readonly reason: number;
}

/** The failure that an error frame carries; undefined for any other frame. */
export function readFailure(frame: Frame): GuestFailure | undefined {
  if (frame.type !== down.error) return undefined;
  const reader = new PayloadReader(frame.payload);
  const failure = { errno: reader.u32(), reason: reader.u8() };
  reader.finish();
  return failure;
}

/** The frame's payload where it is what was asked for; its error, or one of ours, where it is not. */
export function expectFrame(frame: Frame, type: number, path?: string): PayloadReader {
  const failure = readFailure(frame);
  if (failure !== undefined) throw toError(failure, path);
  if (frame.type !== type) throw malformed("the wrong kind of frame");
  return new PayloadReader(frame.payload);
}

function toError({ errno, reason }: GuestFailure, path: string | undefined): TenkiError {
  if (reason === errorReason.badRequest) return malformed("a refusal to understand the request");
  const [kind, text = describeErrno(errno)] = reasons.get(reason) ?? errors.get(errno) ?? ["internal"];
  return new TenkiError(kind, path === undefined ? text : namePath(text, path));
}

/** The system's own words for an errno. */
export function describeErrno(errno: number): string {
  return wordsUnknownToNode.get(errno) ?? getSystemErrorMap().get(-errno)?.[1] ?? `error ${errno}`;
}

const { errno: codes } = constants;

const wordsUnknownToNode: ReadonlyMap<number, string> = new Map([
  [codes.ENOEXEC, "exec format error (a script needs a first line that names its interpreter)"],
  [codes.EAGAIN, "the sandbox has as many processes as it may"],
  [codes.ENOMEM, "the sandbox is out of memory"],
]);

const noSpace = "no space left on the sandbox's disk";

const reasons: ReadonlyMap<number, readonly [ErrorKind, string?]> = new Map([
  [errorReason.outsideHome, ["permission_denied", `path is outside ${homeDirectory}`]],
  [errorReason.notRegular, ["failed_precondition", "not a regular file"]],
  [errorReason.notKept, ["data_loss", "the command's output from there on is not kept"]],
]);

const errors: ReadonlyMap<number, readonly [ErrorKind, string?]> = new Map([
  [codes.ENOENT, ["not_found", "no such file or directory"]],
  [codes.EACCES, ["permission_denied"]],
  [codes.EPERM, ["permission_denied"]],
  [codes.EROFS, ["permission_denied"]],
  [codes.EEXIST, ["already_exists"]],
  [codes.EISDIR, ["failed_precondition", "is a directory"]],
  [codes.ENOTDIR, ["failed_precondition"]],
  [codes.ENOTEMPTY, ["failed_precondition"]],
  [codes.ELOOP, ["failed_precondition"]],
  [codes.EBUSY, ["failed_precondition"]],
  [codes.EXDEV, ["failed_precondition"]],
  [codes.EINVAL, ["invalid_argument"]],
  [codes.ENAMETOOLONG, ["invalid_argument"]],
  [codes.ENOSPC, ["resource_exhausted", noSpace]],
  [codes.EDQUOT, ["resource_exhausted", noSpace]],
  [codes.EFBIG, ["resource_exhausted"]],
  [codes.EAGAIN, ["resource_exhausted"]],
  [codes.ENOMEM, ["resource_exhausted"]],
  [codes.EMFILE, ["resource_exhausted"]],
  [codes.ENFILE, ["resource_exhausted"]],
]);
