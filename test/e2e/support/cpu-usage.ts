import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { instanceIdOf } from "./host-state.js";

/** What a sandbox has used of the processors, as the kernel counts it; of either version of cgroups. */
export function cpuUsage(dataDir: string, sessionId: string): string {
  const root = "/sys/fs/cgroup";
  const own = join(`tenki-${instanceIdOf(dataDir)}`, sessionId);
  const places = [root, ...readdirSync(root).map((name) => join(root, name))].map((place) =>
    join(place, own),
  );
  const counts = places.flatMap((place) => [
    read(join(place, "cpuacct.usage")).split("\n", 1),
    /^usage_usec \d+/m.exec(read(join(place, "cpu.stat")))?.slice(0, 1) ?? [],
  ]);
  const count = counts.flat().find((text) => text !== "");
  if (count === undefined) throw new Error(`nothing counts what ${sessionId} uses`);
  return count;
}

const read = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");
