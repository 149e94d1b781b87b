import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { engineFiles } from "../../domain/engine-state.js";
import { TenkiError } from "../../domain/error.js";
import { writeFileAtomic } from "../../lib/atomic-file.js";

/**
 * The token that clients have to show: the named file's, else the one kept in the data directory, else a new
 * one. It is written where the command line looks for it in either case.
 */
export async function settleToken(dataDir: string, tokenFile: string | undefined): Promise<string> {
  const kept = join(dataDir, engineFiles.token);
  const known = tokenFile !== undefined ? readNamed(tokenFile) : readKept(kept);
  const token = known ?? `tk_${randomBytes(32).toString("base64url")}`;
  if (known === undefined || readKept(kept) !== token) await writeFileAtomic(kept, `${token}\n`, 0o600);
  return token;
}

const makeOne = (path: string): string => `openssl rand -hex 32 | sed s/^/tk_/ > ${path}`;

/** Short ones can be guessed. */
const minLength = 16;

function readNamed(path: string): string {
  const token = readToken(path);
  if (/^[\x21-\x7e]+$/.test(token) && token.length >= minLength) return token;
  throw new TenkiError(
    "failed_precondition",
    `${path} holds no token: one line of ${minLength} characters or more`,
    { hint: makeOne(path) },
  );
}

const readKept = (path: string): string | undefined =>
  existsSync(path) ? readToken(path) || undefined : undefined;

function readToken(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    throw unreadable(path, cause as NodeJS.ErrnoException);
  }
}

function unreadable(path: string, cause: NodeJS.ErrnoException): TenkiError {
  const prose: Readonly<Record<string, string>> = {
    ENOENT: "there is no such file",
    ENOTDIR: "there is no such file",
    EACCES: "permission denied",
    EISDIR: "it is a directory",
  };
  const why = prose[cause.code ?? ""] ?? cause.message;
  const hint = cause.code === "ENOENT" ? makeOne(path) : "name another with --token-file, or leave it out";
  return new TenkiError("failed_precondition", `cannot read the token file ${path}: ${why}`, { cause, hint });
}
