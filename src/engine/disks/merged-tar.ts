import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import type { LayerPlace } from "./export-layer.js";
import { startTool } from "./tool.js";

/**
 * Directories of the image that were renamed, with all that shows in them: a layer has no other way to say so.
 * As a tar without its end.
 */
export async function* mergedTar(
  place: LayerPlace,
  lowerDirectories: readonly string[],
  paths: readonly Buffer[],
): AsyncGenerator<Buffer> {
  const { upper, prefix, guestBinary, signal } = place;
  const merged = await mkdtemp(join(tmpdir(), "tenki-merged-"));
  try {
    const layers = [upper, ...lowerDirectories].join(":");
    await run([
      "mount",
      "-t",
      "overlay",
      "-o",
      `ro,redirect_dir=follow,lowerdir=${layers}`,
      "overlay",
      merged,
    ]);
    const tar = startTool([guestBinary, "pack", merged, prefix, "below"], { signal, input: "pipe" });
    tar.child.stdin?.on("error", () => undefined); // it says itself why it ended
    tar.child.stdin?.end(Buffer.concat(paths.flatMap((path) => [path, Buffer.of(0)])));
    yield* tar.output();
  } finally {
    await run(["umount", "--lazy", merged]).catch(() => undefined);
    await rmdir(merged);
  }
}

async function run(argv: readonly string[]): Promise<void> {
  await runProcess(argv, { env: { ...systemEnvironment } });
}
