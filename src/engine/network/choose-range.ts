import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { TenkiError } from "../../domain/error.js";
import { writeFileAtomic } from "../../lib/atomic-file.js";
import { withFileLock } from "../../lib/file-lock.js";
import { boundsOf } from "../../domain/ipv4-network.js";
import { runProcess, tryProcess } from "../../lib/process.js";
import { renderRules, tableName } from "./rules.js";
import { linkPrefix } from "./slot.js";

interface Route {
  readonly dst?: string;
  readonly dev?: string;
}

const candidates = Array.from({ length: 16 }, (_, block) => `198.19.${block * 16}.0/20`);

/**
 * The engine's own /20 out of 198.19.0.0/16: the one it had, or the first by its id that is nobody else's.
 * Its table of rules is the claim to it, so that two engines that start at once do not take the same; the
 * file beside the record keeps addresses what they were when the table has gone.
 */
export function chooseRange(dataDir: string, instanceId: string): Promise<string> {
  return withFileLock("/run/tenki-network", async () => {
    const path = join(dataDir, "network.json");
    const kept = await readKept(path);
    const claimed = await claimedRange(tableName(instanceId));
    // What is claimed is not asked again whether it is free: sandboxes may run in it.
    const range = claimed ?? (await findFree(instanceId, kept));
    if (claimed === undefined) await claim(instanceId, range);
    if (range !== kept) await writeFileAtomic(path, JSON.stringify({ range }));
    return range;
  });
}

async function findFree(instanceId: string, kept: string | undefined): Promise<string> {
  const routes = await foreignRoutes(instanceId);
  const claimed = await claims();
  const first = Number.parseInt(instanceId.slice(0, 4), 16) % candidates.length;
  const byTurn = [...candidates.slice(first), ...candidates.slice(0, first)];
  const order = kept === undefined ? byTurn : [kept, ...byTurn];
  // A claim without a route may be that of an engine that was killed and is gone for good.
  const range =
    order.find((candidate) => isApart(candidate, [...routes, ...claimed])) ??
    order.find((candidate) => isApart(candidate, routes));
  if (range !== undefined) return range;
  throw new TenkiError(
    "resource_exhausted",
    "every range of 198.19.0.0/16 is in use on this machine already",
    {
      hint: "ip route show | grep '^198.1'; nft list tables | grep tenki_",
    },
  );
}

function isApart(range: string, others: readonly string[]): boolean {
  const own = boundsOf(range);
  return others.map(boundsOf).every((other) => own.last < other.first || other.last < own.first);
}

/** A damaged file is no file: what runs is found by the table. */
async function readKept(path: string): Promise<string | undefined> {
  try {
    const { range } = JSON.parse(await readFile(path, "utf8")) as { range?: unknown };
    return candidates.find((candidate) => candidate === range);
  } catch {
    return undefined;
  }
}

async function foreignRoutes(instanceId: string): Promise<string[]> {
  const routes = JSON.parse(
    (await runProcess(["ip", "-j", "-4", "route", "show", "table", "all"])) || "[]",
  ) as Route[];
  return routes
    .filter(({ dev }) => dev?.startsWith(linkPrefix(instanceId)) !== true)
    .flatMap(({ dst }) => (dst !== undefined && isSomebodys(dst) ? [dst] : []));
}

/** A route wider than a /12 is a way to the world (a VPN's 128.0.0.0/1), not somebody's network. */
function isSomebodys(destination: string): boolean {
  const parts = /^[\d.]+(?:\/(\d+))?$/.exec(destination);
  return parts !== null && Number(parts[1] ?? 32) >= 12;
}

/** Of all engines. */
async function claims(): Promise<string[]> {
  const tables = await runProcess(["nft", "list", "tables", "inet"]);
  const names = [...tables.matchAll(/^table (inet tenki_[0-9a-f]{8})$/gm)].map(([, name = ""]) => name);
  const ranges = await Promise.all(names.map((name) => claimedRange(name)));
  return ranges.filter((range) => range !== undefined);
}

async function claimedRange(table: string): Promise<string | undefined> {
  const { exitCode, stdout } = await tryProcess(["nft", "list", "chain", ...table.split(" "), "leaving"]);
  return exitCode === 0 ? candidates.find((candidate) => stdout.includes(`saddr ${candidate} `)) : undefined;
}

async function claim(instanceId: string, range: string): Promise<void> {
  const nothing = { slots: [], outbound: new Set<string>(), resolver: undefined, uplinks: [] };
  await runProcess(["nft", "-f", "-"], { input: renderRules({ instanceId, range, ...nothing }) });
}
