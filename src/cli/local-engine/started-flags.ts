import { readFile } from "node:fs/promises";
import type { LocalEngine } from "./find-engine.js";

/** The flags that a running engine was started with, read off its process: nothing to remember, nothing to go stale. */
export async function startedFlags(engine: LocalEngine): Promise<string[]> {
  const words = (await readFile(`/proc/${engine.pid}/cmdline`, "utf8"))
    .split("\0")
    .filter((word) => word !== "");
  const flags = words.slice(words.indexOf("start") + 1);
  for (const said of ["--data-dir", "--listen"])
    for (let at = flags.indexOf(said); at >= 0; at = flags.indexOf(said)) flags.splice(at, 2);
  const others = flags.filter((flag) => flag !== "--foreground");
  // Port 0 has become a port by now: who knows the engine by it finds it there again.
  return [...others, "--listen", new URL(engine.endpoint).host];
}
