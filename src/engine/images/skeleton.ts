import {
  chmod,
  chown,
  copyFile,
  lstat,
  readdir,
  readFile,
  readlink,
  realpath,
  symlink,
  unlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { TenkiError } from "../../domain/error.js";
import { sandboxAccounts } from "./accounts.js";
import { copyPublicFiles } from "./copy-public-files.js";
import { makeDirectories } from "./directories.js";
import { allowedEtc, allowedVar, refusedEtc } from "./host-files.js";
import { makeDirectory } from "./make-directory.js";
import { ownEtc, type OwnFile } from "./own-etc.js";

/** Part of the key of what is built here: raise it with every change to what comes out. */
export const skeletonVersion = 5;

/**
 * Builds, in a directory that is new or empty, what a sandbox's root holds besides the host's /usr. `host` is the root of
 * the host's system tree.
 */
export async function buildSkeleton(host: string, root: string): Promise<void> {
  await makeDirectories(root);
  await linkIntoUsr(host, root);
  await copyEtc(host, root);
  await copyPublicFiles(join(host, "var"), join(root, "var"), allowedVar);
  await writeOwnFiles(host, root);
}

/** /bin and the like, which lie in /usr on every system that we know how to make one from. */
async function linkIntoUsr(host: string, root: string): Promise<void> {
  for (const name of ["bin", "sbin", "lib", "lib32", "lib64", "libx32"]) {
    const found = await lstat(join(host, name)).catch(() => undefined);
    if (found === undefined) continue;
    if (!found.isSymbolicLink()) throw notMerged(name);
    await symlink(await readlink(join(host, name)), join(root, name));
  }
}

const notMerged = (name: string): TenkiError =>
  new TenkiError("failed_precondition", `the image sandbox needs a system whose /${name} lies in /usr`, {
    hint: "apt-get install usrmerge",
  });

async function copyEtc(host: string, root: string): Promise<void> {
  const [from, to] = [join(host, "etc"), join(root, "etc")];
  await copyPublicFiles(from, to, await expand(from, allowedEtc), refusedEtc);
  await dropCredentials(join(to, "apt"));
  await resolveLocaltime(host, to);
}

/** Package sources and proxies may carry a name and a password in their addresses. */
async function dropCredentials(directory: string): Promise<void> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries.filter((entry) => entry.isFile())) {
    const path = join(entry.parentPath, entry.name);
    // Latin 1 carries every byte there and back.
    const text = await readFile(path, "latin1");
    const clean = text.replace(/:\/\/[^/\s"@]*@/g, "://");
    if (clean !== text) await writeFile(path, clean, "latin1");
  }
}

async function expand(directory: string, patterns: readonly string[]): Promise<string[]> {
  const names = await readdir(directory);
  return patterns.flatMap((pattern) =>
    pattern.endsWith("*") ? names.filter((name) => name.startsWith(pattern.slice(0, -1))) : [pattern],
  );
}

/** A link to somewhere else than /usr would lead nowhere: then its content is taken. */
async function resolveLocaltime(host: string, etc: string): Promise<void> {
  const target = await readlink(join(etc, "localtime")).catch(() => undefined);
  if (target === undefined || target.startsWith("/usr/") || target.startsWith("../usr/")) return;
  await unlink(join(etc, "localtime"));
  const zone = await realpath(join(host, "etc/localtime")).catch(() => undefined);
  if (zone !== undefined) await copyFile(zone, join(etc, "localtime"));
}

async function writeOwnFiles(host: string, root: string): Promise<void> {
  const [passwd, group] = await Promise.all([
    readFile(join(host, "etc/passwd"), "utf8"),
    readFile(join(host, "etc/group"), "utf8"),
  ]);
  const shadowGroup = Number(/^shadow:[^:]*:(\d+):/m.exec(group)?.[1] ?? 0);
  for (const file of ownEtc(sandboxAccounts(passwd, group), shadowGroup)) await writeOwn(root, file);
  // dpkg wants to find both, be they empty.
  for (const name of ["status", "available"]) {
    await writeFile(join(root, "var/lib/dpkg", name), "", { flag: "a", mode: 0o644 });
  }
  // An SSH server would tell root's terminal that it is missing.
  await writeFile(join(root, "var/log/lastlog"), "", { mode: 0o644 });
}

async function writeOwn(root: string, file: OwnFile): Promise<void> {
  const path = join(root, "etc", file.path);
  await makeDirectory(dirname(path));
  await writeFile(path, file.content);
  await chown(path, 0, file.group ?? 0);
  await chmod(path, file.mode);
}
