import { existsSync } from "node:fs";
import { TenkiError } from "../../domain/error.js";
import { tryProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import { explainUnshare } from "../../lib/unshare-failure.js";
import type { Finding } from "../core/finding.js";

/** As `unshare` names them, and as the kernel does in its limits. */
const limitNames = {
  mount: "mnt",
  pid: "pid",
  ipc: "ipc",
  uts: "uts",
  net: "net",
  cgroup: "cgroup",
} as const;

type Kind = keyof typeof limitNames;

/** Tries the namespaces that hold a sandbox apart: all at once, and one by one where that fails. */
export async function checkNamespaces(): Promise<Finding> {
  const names = Object.keys(limitNames) as Kind[];
  const kinds = names.filter((kind) => kind !== "cgroup" || existsSync("/proc/self/ns/cgroup"));
  const finding = { name: "namespaces", required: true };
  if ((await refusal(kinds)) === undefined) {
    return { ...finding, ok: true, detail: `${kinds.join(", ")} can be made` };
  }
  for (const kind of kinds) {
    const said = await refusal([kind]);
    if (said === undefined) continue;
    const { why, setting } = explainUnshare(said, limitNames[kind]);
    const detail = `a ${kind} namespace cannot be made: ${why}`;
    return {
      ...finding,
      ok: false,
      detail,
      hint: setting === undefined ? asRoot : `sysctl -w ${setting}=15000`,
    };
  }
  return { ...finding, ok: false, detail: `${kinds.join(", ")} cannot be made together`, hint: asRoot };
}

const asRoot = "run the engine as root (in a container: a privileged one)";

/** An engine that could not hold a sandbox apart does not start. */
export async function requireNamespaces(): Promise<void> {
  const { ok, detail, hint } = await checkNamespaces();
  if (!ok) throw new TenkiError("failed_precondition", `sandboxes cannot be held apart: ${detail}`, { hint });
}

/** What `unshare` said where it failed. */
async function refusal(kinds: readonly Kind[]): Promise<string | undefined> {
  const flags = kinds.map((kind) => `--${kind}`);
  const attempt = await tryProcess(["unshare", "--fork", ...flags, "true"], {
    env: { ...systemEnvironment },
    timeoutMs: 10_000,
  }).catch((error: Error) => ({ exitCode: 1, stderr: error.message }));
  return attempt.exitCode === 0 ? undefined : attempt.stderr;
}
