import { accessSync, constants, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { tryProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import { explainUnshare } from "../../lib/unshare-failure.js";
import type { Finding } from "../core/finding.js";
import { findDelegatedCgroup } from "./delegated-cgroup.js";

/** What an engine without root needs of this machine, tried as the user who asks. */
export async function checkRootless(): Promise<Finding[]> {
  return [subordinateIds(), await userNamespaces(), delegatedCgroup(), await rules(), await slirp(), quota];
}

function subordinateIds(): Finding {
  const { username, uid } = userInfo();
  const owners = [`${username}:`, `${uid}:`];
  const lacking = ["/etc/subuid", "/etc/subgid"].filter(
    (path) => !readLines(path).some((line) => owners.some((owner) => line.startsWith(owner))),
  );
  return {
    name: "subordinate ids",
    ok: lacking.length === 0,
    required: true,
    detail: lacking.length === 0 ? `${username} has some` : `${lacking.join(" and ")} give ${username} none`,
    hint:
      lacking.length === 0
        ? undefined
        : `sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${username}`,
  };
}

async function userNamespaces(): Promise<Finding> {
  const finding = { name: "user namespaces", required: true };
  for (const mapping of [[], ["--map-auto", "--map-root-user"]]) {
    const { exitCode, stderr } = await tryProcess(["unshare", "--user", ...mapping, "--mount", "true"]).catch(
      (error: Error) => ({ exitCode: 1, stderr: error.message }),
    );
    if (exitCode !== 0) {
      const { why, setting } = explainUnshare(stderr, "user");
      return {
        ...finding,
        ok: false,
        detail: `a user namespace cannot be made: ${why}`,
        hint: setting === undefined ? namespaceHint(stderr) : `sudo sysctl ${setting}=15000`,
      };
    }
  }
  return { ...finding, ok: true, detail: "an ordinary user can make one" };
}

function namespaceHint(said: string): string {
  if (/newuidmap|newgidmap/.test(said)) return "sudo apt-get install uidmap";
  if (readLines("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")[0] === "1") {
    return "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0";
  }
  if (readLines("/proc/sys/kernel/unprivileged_userns_clone")[0] === "0") {
    return "sudo sysctl kernel.unprivileged_userns_clone=1";
  }
  return "see whether a container or a chroot stands in the way, or run the engine as root";
}

function delegatedCgroup(): Finding {
  const { missing } = findDelegatedCgroup();
  return {
    name: "delegated cgroup",
    ok: missing.length === 0,
    required: true,
    detail:
      missing.length === 0
        ? "cpu, memory and pids can be limited"
        : `${missing.join(", ")} cannot be limited: the cgroup that this runs in is not the user's own`,
    hint:
      missing.length === 0
        ? undefined
        : "systemd-run --user --scope -p Delegate=yes tenki engine start (or, without limits: --isolation namespaces)",
  };
}

async function rules(): Promise<Finding> {
  const env = { ...systemEnvironment };
  const version = await tryProcess(["nft", "--version"], { env }).catch(() => undefined);
  return {
    name: "network rules",
    ok: version !== undefined,
    required: true,
    detail:
      version === undefined ? "nft is missing: nothing holds the network policy" : version.stdout.trim(),
    hint: version === undefined ? "sudo apt-get install nftables" : undefined,
  };
}

async function slirp(): Promise<Finding> {
  const version = await tryProcess(["slirp4netns", "--version"]).catch(() => undefined);
  const [detail, hint] =
    version === undefined
      ? ["slirp4netns is missing: sandboxes have no way out", "sudo apt-get install slirp4netns"]
      : canOpen("/dev/net/tun")
        ? [version.stdout.split("\n")[0] ?? "slirp4netns", undefined]
        : ["/dev/net/tun is closed to this user: sandboxes have no way out", "sudo chmod 666 /dev/net/tun"];
  return { name: "network without root", ok: hint === undefined, required: false, detail, hint };
}

function canOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const quota: Finding = {
  name: "disk quota",
  ok: false,
  required: false,
  detail:
    "without root a sandbox's disk is a plain directory: its size is not bounded, and snapshots are copies",
  hint: "run the engine as root where that matters",
};

function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").trim().split("\n");
  } catch {
    return [];
  }
}
