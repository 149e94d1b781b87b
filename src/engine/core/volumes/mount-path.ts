import { posix } from "node:path";
import { TenkiError } from "../../../domain/error.js";

/** What makes a sandbox one: nothing is mounted there, or below. */
const systemTrees = [
  ...["/proc", "/sys", "/dev", "/run", "/etc", "/boot", "/usr", "/bin", "/sbin"],
  ...["/lib", "/lib32", "/lib64", "/libx32", "/var/run", "/var/lock"],
];
/** Where people put what they build themselves. */
const exceptions = ["/usr/local", "/usr/src"];
/** Others live below them: below is fine. */
const sharedDirectories = ["/", "/home", "/root", "/tmp", "/var", "/var/lib", "/var/tmp", "/usr/local"];

const longestPath = 1_024;

/** Where a volume may be mounted, in its shortest spelling. */
export function checkMountPath(path: string): string {
  if (!path.startsWith("/")) throw refused(path, "is not absolute: it has to begin with /");
  // eslint-disable-next-line no-control-regex
  if (path.length > longestPath || /[\x00-\x1f\x7f]/.test(path)) {
    throw refused(path, `has more than ${longestPath} characters, or signs that no path should have`);
  }
  if (path.split("/").includes("..")) throw refused(path, 'goes up by ".."');
  const normal = posix.normalize(path).replace(/(?<=.)\/$/, "");
  if (sharedDirectories.includes(normal))
    throw refused(path, "belongs to everybody in the sandbox: choose one below it");
  const isSystems = systemTrees.some((tree) => isAtOrBelow(normal, tree));
  if (isSystems && !exceptions.some((tree) => isAtOrBelow(normal, tree))) {
    throw refused(path, "is the system's: choose one like /data, or below /home/tenki");
  }
  return normal;
}

/** Neither lies in the other. */
export const areApart = (one: string, other: string): boolean =>
  !isAtOrBelow(one, other) && !isAtOrBelow(other, one);

const isAtOrBelow = (path: string, tree: string): boolean => path === tree || path.startsWith(`${tree}/`);

const refused = (path: string, why: string): TenkiError =>
  new TenkiError("invalid_argument", `mount path ${JSON.stringify(path.slice(0, 200))} ${why}`);
