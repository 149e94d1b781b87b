import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { skeletonVersion } from "./skeleton.js";

/** Tells one state of the host's system from another: it changes with every package that is installed or removed. */
export async function hostKey(host: string): Promise<string> {
  const packages = await stat(join(host, "var/lib/dpkg/status")).catch(() => undefined);
  const system = await readFile(join(host, "etc/os-release"), "utf8").catch(() => "");
  const facts = [skeletonVersion, packages?.mtimeMs ?? 0, packages?.size ?? 0, system];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 12);
}
