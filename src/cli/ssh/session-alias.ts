import { randomBytes } from "node:crypto";
import { lstatSync, readlinkSync } from "node:fs";
import { mkdir, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { Client } from "../../client/index.js";
import { TenkiError } from "../../domain/error.js";
import { findSession } from "../find-session.js";
import { sessionName, uuid } from "../flags/parsers.js";
import type { SshPaths } from "./ssh-paths.js";

/** What ssh knows sessions by: `sbx-<id>` and `sbx-<name>`. */
export const aliasPrefix = "sbx-";

/** ssh prepares a connection, and then starts it: what a name meant a moment ago it still means. */
const nameIsKnownMs = 60_000;

/**
 * The session that a host name of the ssh config stands for. The config's paths hold that name, so a link by it leads
 * to the session's directory.
 */
export async function sessionOfAlias(client: Client, host: string, paths: SshPaths): Promise<string> {
  const named = readAlias(host);
  const link = join(paths.sessions, host);
  const id = uuid.read(named);
  const known = knownTarget(link);
  if (known?.target === (id ?? known?.target) && (id !== undefined || (known?.isFresh ?? false)))
    return known?.target ?? "";
  const { id: found } = await findSession(client, named);
  await replaceLink(link, found);
  return found;
}

/** It becomes a part of a path, so only what is surely a name is one. */
function readAlias(host: string): string {
  const named = host.startsWith(aliasPrefix) ? host.slice(aliasPrefix.length) : "";
  if (uuid.read(named) !== undefined || sessionName.read(named) !== undefined) return named;
  throw new TenkiError(
    "usage",
    `invalid host "${host}": expected ${aliasPrefix}<id> or ${aliasPrefix}<name>`,
  );
}

function knownTarget(link: string): { readonly target: string; readonly isFresh: boolean } | undefined {
  try {
    const ageMs = Date.now() - lstatSync(link).mtimeMs;
    const target = uuid.read(readlinkSync(link));
    return target === undefined ? undefined : { target, isFresh: ageMs >= 0 && ageMs < nameIsKnownMs };
  } catch {
    return undefined;
  }
}

async function replaceLink(link: string, target: string): Promise<void> {
  const temporary = `${link}.${randomBytes(6).toString("hex")}.tmp`;
  await mkdir(join(link, ".."), { recursive: true, mode: 0o700 });
  try {
    await symlink(target, temporary);
    await rename(temporary, link);
  } finally {
    await rm(temporary, { force: true });
  }
}
