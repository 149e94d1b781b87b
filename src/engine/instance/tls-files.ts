import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { TenkiError } from "../../domain/error.js";

export interface TlsFiles {
  /** PEM files; both or neither. */
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
}

/** The certificate and its key, tried together; undefined where none was asked for. */
export function readTls({ tlsCert, tlsKey }: TlsFiles): { cert: Buffer; key: Buffer } | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new TenkiError("usage", "--tls-cert and --tls-key go together");
  }
  const pair = { cert: readPem(tlsCert), key: readPem(tlsKey) };
  try {
    createSecureContext(pair);
    return pair;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TenkiError("failed_precondition", `cannot use ${tlsCert} with ${tlsKey}: ${why}`, { cause });
  }
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new TenkiError("failed_precondition", `cannot read ${path}: ${reasonOf(cause)}`, { cause });
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EISDIR: "it is a directory",
};

function reasonOf(cause: unknown): string {
  const { code = "", message } = cause as NodeJS.ErrnoException;
  return reasons[code] ?? message;
}
