import { chmod, chown, symlink } from "node:fs/promises";
import { join } from "node:path";
import { sandboxUser } from "./accounts.js";
import { makeDirectory } from "./make-directory.js";

interface Directory {
  readonly path: string;
  /** Default 0755. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** `mail`, by the number it has on every Debian. */
const mailGroup = 8;

const top = ["boot", "dev", "etc", "home", "media", "mnt", "opt", "proc", "run", "srv", "sys", "usr", "var"];
const variable = ["backups", "cache/debconf", "lib/misc", "lib/dpkg", "local", "log/apt", "opt", "spool"];
const packages = ["cache/apt/archives/partial", "lib/apt/lists/partial"];

const directories: readonly Directory[] = [
  { path: "" },
  ...top.map((path) => ({ path })),
  ...[...variable, ...packages].map((path) => ({ path: `var/${path}` })),
  { path: sandboxUser.home, uid: sandboxUser.id, gid: sandboxUser.id },
  { path: "root", mode: 0o700 },
  // Where the SDKs' own examples clone to.
  { path: "workspace", uid: sandboxUser.id, gid: sandboxUser.id },
  { path: "tmp", mode: 0o1777 },
  { path: "var/mail", mode: 0o2775, gid: mailGroup },
  { path: "var/tmp", mode: 0o1777 },
];

const links: Readonly<Record<string, string>> = {
  "var/run": "/run",
  "var/lock": "/run/lock",
  "var/spool/mail": "../mail",
  "etc/mtab": "/proc/self/mounts",
};

/** The tree that every Debian has, empty. */
export async function makeDirectories(root: string): Promise<void> {
  for (const { path, mode = 0o755, uid = 0, gid = 0 } of directories) {
    const directory = join(root, path);
    await makeDirectory(directory);
    await chown(directory, uid, gid);
    await chmod(directory, mode);
  }
  for (const [path, target] of Object.entries(links)) await symlink(target, join(root, path));
}
