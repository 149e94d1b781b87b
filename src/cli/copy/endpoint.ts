import { posix } from "node:path";
import { TenkiError } from "../../domain/error.js";
import { homeDirectory } from "../../domain/file.js";

/** One side of a copy, as it was written. */
export type CopyPlace =
  | { readonly kind: "stream" }
  | { readonly kind: "local"; readonly path: string }
  | { readonly kind: "remote"; readonly session: string; readonly path: string };

/**
 * `session:PATH` is in a session (`:PATH` in the current one), `-` is stdin or stdout, all else is on this side;
 * so is what begins with `/` or `.`, whatever colons are in it.
 */
export function readPlace(word: string): CopyPlace {
  if (word === "-") return { kind: "stream" };
  const at = word.indexOf(":");
  if (at < 0 || /^[/.]/.test(word)) return { kind: "local", path: word };
  return { kind: "remote", session: word.slice(0, at), path: word.slice(at + 1) };
}

/** A path in a session, absolute; the service refuses one that leaves the home directory. */
export const remoteAbsolute = (path: string): string => posix.resolve(homeDirectory, path);

/** The directory that holds it and its name there; `.` where its contents alone are meant (`src/.`, `session:`). */
export function splitPath(
  path: string,
  absolute: string,
): { readonly parent: string; readonly name: string } {
  if (path === "" || /(^|\/)\.\/*$/.test(path) || absolute === "/") return { parent: absolute, name: "." };
  return { parent: posix.dirname(absolute), name: posix.basename(absolute) };
}

export function refuseDirectory(path: string): TenkiError {
  return new TenkiError("failed_precondition", `${path} is a directory`, { hint: "copy it with -r" });
}
