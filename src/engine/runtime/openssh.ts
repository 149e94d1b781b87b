import { existsSync } from "node:fs";
import { join } from "node:path";
import { TenkiError } from "../../domain/error.js";
import { tryProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import type { Finding } from "../core/finding.js";
import type { SshServerProgram } from "../core/ports/runtime.js";

/** Where scripts/setup.sh puts a server with everything that it needs, and so runs in any image. */
const ownDirectory = "/usr/local/lib/tenki/openssh";
/** Below /usr, which the default image has from this machine. */
const hostServer = "/usr/sbin/sshd";
/** Where it lies inside: below /run, so that no image or disk has a trace of it. */
const inside = "/run/tenki/openssh";

/** The server that sandboxes of this machine can have. */
export function findSshServer(): SshServerProgram {
  if (hasOwn()) {
    const argv = [`${inside}/ld.so`, "--library-path", `${inside}/lib`, `${inside}/sshd`];
    return { argv, settings: helperSettings() };
  }
  if (existsSync(hostServer)) return { argv: [hostServer], settings: [] };
  throw new TenkiError(
    "failed_precondition",
    "ssh is not to be had: this machine has no OpenSSH server for its sandboxes",
    { hint: "scripts/setup.sh gets it without starting a service; or install the package openssh-server" },
  );
}

/** Whether sessions can be reached by SSH. */
export async function checkSsh(): Promise<Finding[]> {
  const finding = { name: "ssh", required: false };
  try {
    const [program] = findSshServer().argv;
    await tryProcess(["ssh-keygen", "-?"], { env: { ...systemEnvironment } });
    const place = program === hostServer ? hostServer : ownDirectory;
    return [{ ...finding, ok: true, detail: `sessions have OpenSSH's server, from ${place}` }];
  } catch (error) {
    const hint = error instanceof TenkiError ? error.hint : "apt-get install openssh-client";
    const detail = error instanceof TenkiError ? error.message : "there is no ssh-keygen here";
    return [{ ...finding, ok: false, detail, hint }];
  }
}

/** What has to be in a sandbox for that; undefined where nothing has to. */
export const sshServerMount = (): { readonly source: string; readonly destination: string } | undefined =>
  hasOwn() ? { source: ownDirectory, destination: inside } : undefined;

const hasOwn = (): boolean => existsSync(join(ownDirectory, "sshd"));

/** Newer servers come in several programs, which are found by these settings. */
const helperSettings = (): string[] =>
  Object.entries({ "sshd-session": "SshdSessionPath", "sshd-auth": "SshdAuthPath" })
    .filter(([name]) => existsSync(join(ownDirectory, name)))
    .map(([name, setting]) => `${setting} ${inside}/${name}`);
