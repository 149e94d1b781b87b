import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { TenkiError } from "../../domain/error.js";
import { withFileLock } from "../../lib/file-lock.js";
import { ProcessError, runProcess, tryProcess } from "../../lib/process.js";
import { shellQuote } from "../../lib/shell-quote.js";
import { localFileError } from "../local-file-error.js";

export const installSsh = "install OpenSSH's client: apt-get install openssh-client";

/** A key that certificates are issued for. */
export interface SshKey {
  readonly path: string;
  /** One line in OpenSSH's format. */
  readonly publicKey: string;
}

/** The key of this command line; made with ssh-keygen where there is none. */
export async function ownKey(path: string, env: NodeJS.ProcessEnv): Promise<SshKey> {
  if (!existsSync(path)) await withFileLock(path, () => makeKey(path, env));
  return readKey(path);
}

/** A key that is there already: its public half lies beside it. */
export function readKey(path: string): SshKey {
  readKeyFile(path);
  const publicPath = `${path}.pub`;
  if (!existsSync(publicPath)) {
    throw new TenkiError("failed_precondition", `the key ${path} has no public half beside it`, {
      hint: `ssh-keygen -y -f ${shellQuote(path)} > ${shellQuote(publicPath)}`,
    });
  }
  const publicKey = readKeyFile(publicPath).trim();
  if (/^(ssh-|ecdsa-)\S+ [A-Za-z0-9+/]+=*( .*)?$/.test(publicKey)) return { path, publicKey };
  throw new TenkiError("failed_precondition", `${publicPath} holds no public key in OpenSSH's format`, {
    hint: `ssh-keygen -y -f ${shellQuote(path)} > ${shellQuote(publicPath)}`,
  });
}

/** Using it needs its passphrase. */
export function isEncrypted({ path }: SshKey): boolean {
  const text = readKeyFile(path);
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END/.exec(text)?.[1];
  if (body === undefined) return text.includes("ENCRYPTED");
  const bytes = Buffer.from(body, "base64");
  const magic = "openssh-key-v1\0".length;
  return bytes.toString("latin1", magic + 4, magic + 4 + bytes.readUInt32BE(magic)) !== "none";
}

/** An agent answers that has it open: ssh asks for no passphrase then. */
export async function isHeldByAgent({ publicKey }: SshKey, env: NodeJS.ProcessEnv): Promise<boolean> {
  if (env["SSH_AUTH_SOCK"] === undefined) return false;
  const listed = await tryProcess(["ssh-add", "-L"], { env, timeoutMs: 5_000 }).catch(() => undefined);
  return listed?.stdout.includes(` ${publicKey.split(" ")[1]}`) === true;
}

function readKeyFile(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (cause) {
    throw localFileError(path, cause);
  }
}

/** Under another name first, and the public half moved first: where the key is, it is whole. */
async function makeKey(path: string, env: NodeJS.ProcessEnv): Promise<void> {
  if (existsSync(path)) return;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const made = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await runProcess(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "tenki", "-f", made], { env });
    await rename(`${made}.pub`, `${path}.pub`);
    await rename(made, path);
  } catch (error) {
    throw keygenError(error, path);
  } finally {
    await Promise.all([made, `${made}.pub`].map((each) => rm(each, { force: true })));
  }
}

function keygenError(error: unknown, path: string): TenkiError {
  if ((error as NodeJS.ErrnoException).code === "ENOENT")
    return new TenkiError("failed_precondition", "there is no ssh-keygen here", { hint: installSsh });
  const reason = error instanceof ProcessError ? error.result.stderr.trim() : (error as Error).message;
  return new TenkiError("internal", `no key ${basename(path)} could be made: ${reason}`, { cause: error });
}
