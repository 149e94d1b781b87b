import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { Outcome } from "./tenki.js";

/** All ids are what they are outside: to who runs in it, root is root and a user a user. */
const sameIds = "0 0 4294967295\n";

const becomeRoot = ["setpriv", "--reuid", "0", "--regid", "0", "--clear-groups"];
const limit = `for kind in $1; do echo 0 > /proc/sys/user/max_"$kind"_namespaces || exit 1; done
shift; exec "$@"`;

/**
 * Runs a program on a machine where no more namespaces of some kinds can be made. The kernel keeps that limit
 * for each user namespace, and this one is the program's own.
 */
export async function runWithoutNamespaces(
  kinds: readonly ("net" | "pid" | "user")[],
  argv: readonly string[],
  env: Record<string, string>,
): Promise<Outcome> {
  const limited = [...becomeRoot, "sh", "-c", limit, "sh", kinds.join(" "), ...argv];
  const untilMapped = ["sh", "-c", 'echo made; read _; exec "$@"', "sh", ...limited];
  const child = spawn("unshare", ["--user", "--mount", "--", ...untilMapped], { env, cwd: "/" });
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (said.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (said.stderr += chunk.toString()));
  const closed = once(child, "close") as Promise<[number]>;
  await Promise.race([once(child.stdout, "data"), closed]);
  for (const map of ["uid_map", "gid_map"]) writeFileSync(`/proc/${child.pid}/${map}`, sameIds);
  child.stdin.end("\n");
  const [code] = await closed;
  return { code, stdout: said.stdout.replace("made\n", ""), stderr: said.stderr };
}
