import { readFile } from "node:fs/promises";
import { TenkiError } from "../domain/error.js";
import { environmentVariable } from "./flags/parsers.js";
import { localFileError } from "./local-file-error.js";

/** Lines `NAME=VALUE`, as `docker run --env-file` takes them: blank lines and those that begin with # are left out. */
export async function readEnvFile(path: string): Promise<(readonly [string, string])[]> {
  const lines = (await readLocalText(path)).split(/\r?\n/);
  return lines.flatMap((line, at) => {
    if (/^\s*(#|$)/.test(line)) return [];
    const pair = environmentVariable.read(line.trimStart().replace(/^export\s+/, ""));
    if (pair !== undefined) return [pair];
    throw new TenkiError("usage", `invalid line ${at + 1} in ${path}: expected NAME=VALUE`);
  });
}

/** The lines of `authorized_keys` that hold a key. */
export async function readKeysFile(path: string): Promise<string[]> {
  const lines = (await readLocalText(path)).split(/\r?\n/).map((line) => line.trim());
  return lines.filter((line) => line !== "" && !line.startsWith("#"));
}

async function readLocalText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw localFileError(path, cause);
  }
}
