import { access, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../../lib/logger.js";
import { mountsBelow } from "../../lib/mount-table.js";
import { runProcess, tryProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import type { CgroupLayout } from "./cgroup-layout.js";
import { removeCgroup } from "./container-cgroup.js";
import { thawCgroup } from "./freezer.js";
import { killInit } from "./init-process.js";
import type { SessionDirectory } from "./session-directory.js";

/** Everything that one sandbox is on the host. */
export interface ContainerPlace {
  readonly containerId: string;
  readonly runtimeCommand: string;
  /** Where the runtime keeps its state. */
  readonly runtimeRoot: string;
  readonly directory: SessionDirectory;
  readonly cgroupPath: string;
}

/** A runtime that hangs must not hang the engine: what it leaves, we remove. */
const deleteTimeoutMs = 10_000;

/**
 * Removes a sandbox, whatever is left of it, the directory that tells of it last. Pid 1 is killed first:
 * with it goes everything inside, and the runtime, which waits in steps of 100 ms, finds nothing to wait for.
 */
export async function removeContainer(
  place: ContainerPlace,
  { hierarchies, freezer }: Pick<CgroupLayout, "hierarchies" | "freezer">,
  log: Logger,
): Promise<void> {
  await killInit(place.directory, async () => {
    if (freezer !== undefined) await thawCgroup(freezer, place.cgroupPath).catch(() => undefined); // it is gone
  });
  await deleteFromRuntime(place, log);
  if (!(await removeCgroup(hierarchies, place.cgroupPath))) {
    log.warn("a cgroup could not be removed", { session: place.containerId });
  }
  await unmountBelow(place.directory.path);
  await rm(place.directory.path, { recursive: true, force: true });
}

async function deleteFromRuntime(place: ContainerPlace, log: Logger): Promise<void> {
  const { containerId, runtimeRoot, runtimeCommand } = place;
  const state = join(runtimeRoot, containerId);
  if (!(await exists(state))) return;
  const argv = [runtimeCommand, "--root", runtimeRoot, "delete", "--force", containerId];
  const result = await tryProcess(argv, { env: { ...systemEnvironment }, timeoutMs: deleteTimeoutMs }).catch(
    (error: Error) => ({ exitCode: 1, stderr: error.message }),
  );
  if (result.exitCode === 0) return;
  log.warn("the runtime did not delete a sandbox", { session: containerId, reason: result.stderr.trim() });
  await rm(state, { recursive: true, force: true });
}

/** Nothing of ours is mounted there; if something is all the same, the directory must not be removed through it. */
async function unmountBelow(directory: string): Promise<void> {
  for (const { mountPoint } of await mountsBelow(directory)) {
    await runProcess(["umount", "--lazy", mountPoint], { env: { ...systemEnvironment } });
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
