import { tryProcess, type ProcessResult } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import type { Machine } from "./machine.js";

export interface MemoryObstaclesOptions {
  readonly machine: Pick<Machine, "rootless" | "ownsLimits">;
  /** The OCI runtime, by name or path; undefined where none works. */
  readonly runtimeCommand: string | undefined;
  /** By name or path. Default: the one that the system's PATH leads to. */
  readonly criu?: string | undefined;
}

/** What no machine changes, and so is always said: how sandboxes are built. A test looks whether it still holds. */
const ownObstacle =
  "this engine takes disks only, for pid 1 of every sandbox holds sockets that were made outside of it, which CRIU does not dump";

/** Why no snapshot can hold a sandbox's processes: every reason there is, those of this machine tried. */
export async function memoryObstacles(options: MemoryObstaclesOptions): Promise<string[]> {
  const { machine, runtimeCommand, criu = "criu" } = options;
  if (machine.rootless) return [ownObstacle, "it takes an engine of root's"];
  const limits = machine.ownsLimits
    ? []
    : ["the engine's root has no CAP_SYS_RESOURCE, without which CRIU cannot read other users' limits"];
  const found = await Promise.all([runtimeObstacle(runtimeCommand), criuObstacle(criu)]);
  return [ownObstacle, ...limits, ...found.flatMap((obstacle) => obstacle ?? [])];
}

/** A crun that is built without CRIU does not know the command. */
async function runtimeObstacle(command: string | undefined): Promise<string | undefined> {
  if (command === undefined) return "no OCI runtime works on this machine";
  const help = await run([command, "checkpoint", "--help"]);
  if (help?.exitCode === 0) return undefined;
  return `the OCI runtime ${command} takes no checkpoints: ${help === undefined ? "it is gone" : reasonOf(help)}`;
}

/** CRIU's own check: one that is older than the kernel may not understand it. */
async function criuObstacle(criu: string): Promise<string | undefined> {
  const about = await run([criu, "--version"]);
  if (about === undefined) return "there is no CRIU on this machine";
  const version = /^Version: (\S+)/m.exec(about.stdout)?.[1];
  if (about.exitCode !== 0 || version === undefined) return `CRIU does not start: ${reasonOf(about)}`;
  const check = await run([criu, "check"]);
  if (check?.exitCode === 0) return undefined;
  return `CRIU ${version} does not work on this kernel: ${check === undefined ? "it is gone" : reasonOf(check)}`;
}

/** CRIU's first error is the cause, what follows comes of it; warnings may come ahead. */
function reasonOf({ stderr, stdout, exitCode }: ProcessResult): string {
  const said = stderr.trim() || stdout.trim();
  const [first = ""] = said.split("\n");
  return /^(?:\(\S+\) )?Error \(\S+\): (.+)/m.exec(said)?.[1] ?? (first || `it exits with ${exitCode}`);
}

const timeoutMs = 10_000;

/** Undefined where there is no such program. */
const run = (argv: readonly string[]): Promise<ProcessResult | undefined> =>
  tryProcess(argv, { env: { ...systemEnvironment }, timeoutMs }).catch(
    (error: Error & { code?: unknown }): ProcessResult | undefined =>
      error.code === "ENOENT" ? undefined : { exitCode: 126, stdout: "", stderr: error.message },
  );
