import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync, utimesSync } from "node:fs";
import { utimes } from "node:fs/promises";
import { basename } from "node:path";
import type { Client, SSHWay } from "../../client/index.js";
import { CapabilityUnavailableError } from "../../client/index.js";
import { TenkiError } from "../../domain/error.js";
import { writeFileAtomic } from "../../lib/atomic-file.js";
import { withFileLock } from "../../lib/file-lock.js";
import { type Certificate, readCertificate } from "./read-certificate.js";
import { type SshKey, ownKey, readKey } from "./ssh-key.js";
import { sessionFiles, type SessionFiles, type SshPaths } from "./ssh-paths.js";

/** All that ssh needs to log in to a session, as files. */
export interface SshAccess {
  readonly sessionId: string;
  readonly key: SshKey;
  readonly files: SessionFiles;
  /** How far this machine's clock is ahead of the service's; known where a certificate was just issued. */
  readonly clockAheadMs: number | undefined;
}

export interface PrepareOptions {
  readonly paths: SshPaths;
  readonly sessionId: string;
  /** Default: the key of this command line. */
  readonly identityFile?: string | undefined;
  /** Where ssh-keygen is looked for. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Makes a session's files ready: the key, a certificate that is good for a while, the server's keys. Asks the service
 * only where something is missing or nearly over, and as one of those who ask at the same time.
 */
export async function prepareSsh(client: Client, options: PrepareOptions): Promise<SshAccess> {
  const { paths, sessionId, identityFile, env } = options;
  const key = identityFile === undefined ? await ownKey(paths.key, env) : readKey(identityFile);
  const files = sessionFiles(paths, sessionId, certificateName(key, paths));
  const access = { sessionId, key, files, clockAheadMs: undefined };
  if (isReady(access)) return access;
  return withFileLock(files.certificate, async () => {
    if (isReady(access)) return access;
    return { ...access, clockAheadMs: await askService(client, access) };
  });
}

/** The file's own time is until when it is good: the ssh config has a shell look at that, too. */
function isReady({ sessionId, key, files }: SshAccess): boolean {
  try {
    const certificate = readCertificate(readFileSync(files.certificate, "utf8"));
    if (certificate === undefined || !existsSync(files.knownHosts)) return false;
    const leftMs = statSync(files.certificate).mtimeMs - Date.now();
    const isYoung = leftMs > 0 && leftMs <= usableMs(certificate); // more: the clock was put back
    return isYoung && certificate.keyId === sessionId && certificate.certifies(key.publicKey);
  } catch {
    return false;
  }
}

/** For a certificate that the server has refused, whatever its times say; one that is just issued is a new one. */
export function renewNextTime({ files, clockAheadMs }: SshAccess): void {
  if (clockAheadMs === undefined) utimesSync(files.certificate, new Date(), new Date(0));
}

/** It begins this much in the past, for clocks that differ. */
const backdatedMs = 60_000;

/** How long it is used from when it is issued: two thirds of its time, as the service has it. */
const usableMs = ({ validAfterMs, validBeforeMs }: Certificate): number =>
  ((validBeforeMs - validAfterMs - backdatedMs) * 2) / 3;

async function askService(client: Client, { sessionId, key, files }: SshAccess): Promise<number> {
  const session = client.session(sessionId);
  const [{ sshCert, caPub }, hostKeys, way] = await Promise.all([
    session.issueSshCert(key.publicKey),
    existsSync(files.knownHosts) ? undefined : toldHostKeys(() => session.getSshHostKeys()),
    client.findSshWay(),
  ]);
  const certificate = readCertificate(sshCert);
  if (certificate?.certifies(key.publicKey) !== true) {
    throw new TenkiError("internal", "the service issued something that is no certificate for this key");
  }
  if (!existsSync(files.knownHosts))
    await writeFileAtomic(files.knownHosts, knownHosts(sessionId, hostKeys, caPub));
  await keepWay(files, way);
  await writeFileAtomic(files.certificate, `${sshCert.trim()}\n`); // last: with it everything is there
  // By this machine's clock, which may be wrong as long as it goes.
  await utimes(files.certificate, new Date(), new Date(Date.now() + usableMs(certificate)));
  return Date.now() - (certificate.validAfterMs + backdatedMs);
}

/** Undefined where the service does not tell. */
async function toldHostKeys(ask: () => Promise<string[]>): Promise<string[] | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof CapabilityUnavailableError) return undefined;
    throw error;
  }
}

/** By its id, and by every name that the ssh config has for it; a service that tells no keys vouches for them. */
function knownHosts(sessionId: string, hostKeys: string[] | undefined, authority: string): string {
  const names = `${sessionId},[${sessionId}]:*,sbx-*,[sbx-*]:*`;
  const lines = hostKeys?.map((key) => `${names} ${key.trim()}`) ?? [
    `@cert-authority ${names} ${authority.trim()}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** As OpenSSH names it; two keys of the same name do not share one. */
function certificateName({ path, publicKey }: SshKey, paths: SshPaths): string {
  if (path === paths.key) return `${basename(path)}-cert.pub`;
  const print = createHash("sha256").update(publicKey).digest("hex").slice(0, 8);
  return `${basename(path)}-${print}-cert.pub`;
}

/** What the service said when it was last asked: the gateway, and behind it the engine's socket where there is one. */
export function keptWay(files: SessionFiles): SSHWay | undefined {
  try {
    const [gateway = "", laneSocket = ""] = readFileSync(files.gateway, "utf8").split("\n");
    return gateway === "" ? undefined : { gateway, laneSocket: laneSocket || undefined };
  } catch {
    return undefined;
  }
}

export async function keepWay(files: SessionFiles, { gateway, laneSocket }: SSHWay): Promise<void> {
  const lines = laneSocket?.includes("\n") === false ? [gateway, laneSocket] : [gateway];
  await writeFileAtomic(files.gateway, `${lines.join("\n")}\n`);
}
