import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TenkiPeer } from "./tenki.js";

export const gigabyte = 1_000_000_000;

/** A gigabyte of nothing, which takes no room. */
export async function makeBigFile({ env }: TenkiPeer): Promise<string> {
  const path = join(env["HOME"] ?? "", "gigabyte");
  await writeFile(path, "");
  await truncate(path, gigabyte);
  return path;
}
