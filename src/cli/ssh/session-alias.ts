import { randomBytes } from "node:crypto";
import { lstatSync, readlinkSync } from "node:fs";
import { lutimes, mkdir, rename, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Client } from "../../client/index.js";
import { TenkiError } from "../../domain/error.js";
import { findSession } from "../find-session.js";
import { sessionName } from "../flags/parsers/sessions.js";
import { uuid } from "../flags/parsers/words.js";
import type { SshPaths } from "./ssh-paths.js";

/** What ssh knows sessions by: `sbx-<id>` and `sbx-<name>`. */
const aliasPrefix = "sbx-";

/** What a name meant a moment ago it still means: ssh prepares a connection, and then starts it. */
const nameIsKnownMs = 60_000;
const idIsKnownMs = 10 * 365 * 24 * 3_600_000;

/** The id or name in an alias. It becomes a part of a path, so only what is surely a name is one. */
export function readAlias(host: string): string {
  const named = host.startsWith(aliasPrefix) ? host.slice(aliasPrefix.length) : "";
  if (uuid.read(named) !== undefined || sessionName.read(named) !== undefined) return named;
  throw new TenkiError(
    "usage",
    `invalid host "${host}": expected ${aliasPrefix}<id> or ${aliasPrefix}<name>`,
  );
}

/**
 * The session by the id or name in its alias. The ssh config's paths hold the alias, so a link by it leads to the
 * session's directory.
 */
export async function sessionOfAlias(client: Client, named: string, paths: SshPaths): Promise<string> {
  const link = join(paths.sessions, `${aliasPrefix}${named}`);
  const id = uuid.read(named);
  const known = knownTarget(link);
  if (known !== undefined && (id ?? known) === known) return known;
  const { id: found } = await findSession(client, named);
  await replaceLink(link, found, id === undefined ? nameIsKnownMs : idIsKnownMs);
  return found;
}

/** The link's own time is until when it holds: the ssh config has a shell look at that, too. */
function knownTarget(link: string): string | undefined {
  try {
    const leftMs = lstatSync(link).mtimeMs - Date.now();
    return leftMs > 0 && leftMs <= idIsKnownMs ? uuid.read(readlinkSync(link)) : undefined;
  } catch {
    return undefined;
  }
}

async function replaceLink(link: string, target: string, holdsMs: number): Promise<void> {
  const temporary = `${link}.${randomBytes(6).toString("hex")}.tmp`;
  await mkdir(dirname(link), { recursive: true, mode: 0o700 });
  try {
    await symlink(target, temporary);
    await lutimes(temporary, new Date(), new Date(Date.now() + holdsMs));
    await rename(temporary, link);
  } finally {
    await rm(temporary, { force: true });
  }
}
