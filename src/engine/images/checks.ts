import { existsSync, lstatSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "../core/finding.js";

/** Whether this machine's system tree makes the image `sandbox`. `host` is its root. */
export async function checkImages(host = "/"): Promise<Finding[]> {
  return [mergedUsr(host), sudo(host), packages(host)];
}

function mergedUsr(host: string): Finding {
  const outside = ["bin", "sbin", "lib"].filter(
    (name) => existsSync(join(host, name)) && !lstatSync(join(host, name)).isSymbolicLink(),
  );
  const ok = outside.length === 0;
  return {
    name: "merged /usr",
    ok,
    required: true,
    detail: ok
      ? "programs and libraries lie in /usr"
      : `outside of /usr: ${outside.map((name) => `/${name}`).join(", ")}`,
    hint: ok ? undefined : "apt-get install usrmerge",
  };
}

const setuidBit = 0o4000;

function sudo(host: string): Finding {
  const found = statSync(join(host, "usr/bin/sudo"), { throwIfNoEntry: false });
  const ok = found !== undefined && (found.mode & setuidBit) !== 0;
  return {
    name: "sudo",
    ok,
    required: false,
    detail: ok ? "the sandbox's user can become root inside" : "the sandbox's user cannot become root inside",
    hint: ok ? undefined : "apt-get install sudo",
  };
}

function packages(host: string): Finding {
  const ok = existsSync(join(host, "var/lib/dpkg/status"));
  return {
    name: "packages",
    ok,
    required: false,
    detail: ok
      ? "apt-get install works inside"
      : "there is no dpkg here: packages cannot be installed inside",
  };
}
