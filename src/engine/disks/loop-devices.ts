import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** The loop devices that stand for a file, as `loop3`, whoever has them mounted, and wherever. */
export async function loopDevicesOf(image: string): Promise<string[]> {
  const names = (await readdir("/sys/block").catch(() => [])).filter((name) => name.startsWith("loop"));
  const files = await Promise.all(
    names.map((name) => readFile(join("/sys/block", name, "loop/backing_file"), "utf8").catch(() => "")),
  );
  return names.filter((_, index) => files[index]?.trimEnd() === image);
}
