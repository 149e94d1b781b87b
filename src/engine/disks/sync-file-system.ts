import { runProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";

/** A slow disk with gigabytes to be written takes its time. */
const syncTimeoutMs = 10 * 60_000;

/** Writes out everything of the file system that `path` lies on. */
export async function syncFileSystem(path: string): Promise<void> {
  const argv = ["sync", "--file-system", "--", path];
  await runProcess(argv, { env: { ...systemEnvironment }, timeoutMs: syncTimeoutMs });
}
