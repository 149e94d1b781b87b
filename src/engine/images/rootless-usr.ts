import { chmod, copyFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { runProcess, tryProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import { copyPublicFiles } from "./copy-public-files.js";
import { makeDirectory } from "./make-directory.js";

/**
 * Builds a layer to lie over the host's /usr where we are root in a user namespace only. The host's root is
 * nobody there: without this, root inside could make no file in any directory of /usr, so that no package
 * could be installed, and setuid programs would not be. It holds the directories, and those programs.
 */
export async function buildRootlessUsr(usr: string, target: string): Promise<void> {
  await makeDirectory(target);
  await runProcess(["sh", "-euc", copyDirectories, "copy-directories", usr, target], options);
  for (const path of await setuidPrograms(usr)) await copyProgram(usr, target, path);
  await copyPublicFiles(usr, target, sudoPlugins);
}

const options = { env: { ...systemEnvironment }, timeoutMs: 120_000 };

const copyDirectories = `umask 022
cd "$1"
find . -xdev -mindepth 1 -type d -printf '%P\\0' | { cd "$2"; xargs --null mkdir --parents --; }`;

/** sudo loads none that belong to somebody else than root. */
const sudoPlugins = ["libexec/sudo", "lib/sudo"];

async function setuidPrograms(usr: string): Promise<string[]> {
  const argv = ["find", ".", "-xdev", "-type", "f", "-perm", "-4005", "-printf", "%P\\n"];
  // It fails for directories that it may not list; who may not either needs nothing of them.
  const { stdout } = await tryProcess(argv, { ...options, cwd: usr });
  return stdout.split("\n").filter((path) => path !== "");
}

/** Setuid, for root inside. Setgid is left out: which group it was cannot be seen from here. */
async function copyProgram(usr: string, target: string, path: string): Promise<void> {
  await makeDirectory(dirname(join(target, path)));
  await copyFile(join(usr, path), join(target, path));
  await chmod(join(target, path), (await stat(join(usr, path))).mode & 0o5777);
}
