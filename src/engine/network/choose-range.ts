import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { TenkiError } from "../../domain/error.js";
import { writeFileAtomic } from "../../lib/atomic-file.js";
import { runProcess } from "../../lib/process.js";
import { linkPrefix, overlap } from "./slot.js";

interface Route {
  readonly dst?: string;
  readonly dev?: string;
}

const rangesPerBlock = 16;

/**
 * The engine's own /20 out of 198.19.0.0/16: the one it had, or the first by its id that no route of
 * somebody else's leads to. Kept beside the record, so that addresses stay what they are over a restart.
 */
export async function chooseRange(dataDir: string, instanceId: string): Promise<string> {
  const path = join(dataDir, "network.json");
  const kept = await readKept(path);
  const taken = await foreignRanges(instanceId);
  const first = Number.parseInt(instanceId.slice(0, 4), 16) % rangesPerBlock;
  const byTurn = Array.from(
    { length: rangesPerBlock },
    (_, turn) => `198.19.${((first + turn) % rangesPerBlock) * 16}.0/20`,
  );
  const candidates = kept === undefined ? byTurn : [kept, ...byTurn];
  const range = candidates.find((candidate) => !taken.some((other) => overlap(candidate, other)));
  if (range === undefined) {
    throw new TenkiError(
      "resource_exhausted",
      "every range of 198.19.0.0/16 has a route on this machine already",
      {
        hint: "ip route show | grep '^198.19'",
      },
    );
  }
  if (range !== kept) await writeFileAtomic(path, JSON.stringify({ range }));
  return range;
}

async function readKept(path: string): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch(() => "{}");
  return (JSON.parse(text) as { range?: string }).range;
}

async function foreignRanges(instanceId: string): Promise<string[]> {
  const routes = JSON.parse(
    (await runProcess(["ip", "-j", "-4", "route", "show", "table", "all"])) || "[]",
  ) as Route[];
  return routes
    .filter(({ dev }) => dev?.startsWith(linkPrefix(instanceId)) !== true)
    .flatMap(({ dst }) => (dst !== undefined && /^[\d.]+(\/\d+)?$/.test(dst) ? [dst] : []));
}
