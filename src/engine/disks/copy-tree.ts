import { runProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";

/** Many files take their time. */
const timeoutMs = 10 * 60_000;

/** Everything in a directory with owners, times, attributes, links and holes; shared where the file system can. */
export async function copyTree(from: string, to: string): Promise<void> {
  await run([
    "cp",
    "--archive",
    "--reflink=auto",
    "--one-file-system",
    "--no-target-directory",
    "--",
    from,
    to,
  ]);
}

/** By `rm`, which goes down by descriptors: a guest may have nested deeper than a path can say. Idempotent. */
export async function removeTree(directory: string): Promise<void> {
  await run(["rm", "-rf", "--one-file-system", "--", directory]);
}

/** The blocks of all that is in it. */
export async function bytesInTree(directory: string): Promise<number> {
  const said = await run(["du", "--summarize", "--block-size=1", "--one-file-system", "--", directory]);
  return Number.parseInt(said, 10);
}

const run = (argv: readonly string[]): Promise<string> =>
  runProcess(argv, { env: { ...systemEnvironment }, timeoutMs });
