import { stat } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import type { Session } from "../../client/index.js";
import { TenkiError } from "../../domain/error.js";
import { localFileError } from "../local-file-error.js";
import { remoteAbsolute } from "./endpoint.js";

/** What is copied: its name, `.` for the contents of a directory, and whether it is a tree. */
export interface Copied {
  readonly name: string;
  readonly isTree: boolean;
}

/** Where it goes on this side: into a directory that is there, else under the name that was given. */
export async function localDestination(path: string, { name, isTree }: Copied): Promise<string> {
  const target = await stat(path).catch(() => undefined);
  if (target?.isDirectory() === true) return join(path, name);
  if (target === undefined && path.endsWith("/") && !isTree) throw localFileError(path, { code: "ENOENT" });
  if (target !== undefined && isTree) throw notDirectory(path);
  const parent = await stat(dirname(join(path, "."))).catch((cause: unknown) => {
    throw localFileError(dirname(path), cause);
  });
  if (!parent.isDirectory()) throw notDirectory(dirname(path));
  return join(path, ".");
}

/** The same in a session, where the file service holds the path to its rule. */
export async function remoteDestination(
  session: Session,
  path: string,
  { name, isTree }: Copied,
): Promise<string> {
  const absolute = remoteAbsolute(path);
  const target = await session.stat(absolute);
  const isDirectory =
    target?.isDirectory === true ||
    (target?.isSymlink === true && (await leadsToDirectory(session, absolute)));
  if (isDirectory) return name === "." ? absolute : posix.join(absolute, name);
  if (target === undefined && path.endsWith("/") && !isTree) throw missing(path);
  if (target !== undefined && isTree) throw notDirectory(path);
  const parent = posix.dirname(absolute);
  if (target === undefined && (await session.stat(parent)) === undefined) throw missing(parent);
  return absolute;
}

const leadsToDirectory = async (session: Session, path: string): Promise<boolean> =>
  (await session.stat(`${path}/.`).catch(() => undefined))?.isDirectory === true;

const missing = (path: string): TenkiError =>
  new TenkiError("not_found", `no such file or directory: ${path}`);

const notDirectory = (path: string): TenkiError =>
  new TenkiError("failed_precondition", `cannot copy a directory to ${path}: it is no directory`);
