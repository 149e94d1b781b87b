import { readFile } from "node:fs/promises";
import { TenkiError } from "../domain/error.js";
import type { Context } from "./context.js";
import { environmentEntry, type EnvironmentEntry } from "./flags/parsers/environment.js";
import { localFileError } from "./local-file-error.js";
import { readStdinText } from "./read-stdin.js";

/** A file of this side as it was named, and the way to its text. */
export interface TextFile {
  readonly path: string;
  readonly read: () => Promise<string>;
}

/** An entry, and where it was written: for the message where it cannot be resolved. */
interface PlacedEntry extends EnvironmentEntry {
  readonly place: string;
}

export interface EnvironmentSources {
  /** Where `--env NAME` finds its value. */
  readonly here: Readonly<Record<string, string | undefined>>;
  /** What they say counts less than `entries`. */
  readonly files: readonly TextFile[];
  readonly entries: readonly EnvironmentEntry[];
}

/** What `--env-file` and `--env` come to; the last one counts where a name is given twice. */
export async function readEnvironment(sources: EnvironmentSources): Promise<Record<string, string>> {
  const files = await Promise.all(sources.files.map(readEnvFile));
  const flags = sources.entries.map((entry) => ({ ...entry, place: "--env" }));
  const pairs = [...files.flat(), ...flags].map((entry) => [entry.name, valueOf(entry, sources)] as const);
  return Object.fromEntries(pairs);
}

function valueOf({ name, value, place }: PlacedEntry, { here }: EnvironmentSources): string {
  const found = value ?? here[name];
  if (found !== undefined) return found;
  throw new TenkiError(
    "usage",
    `invalid variable "${name}" for ${place}: it has no value, and is not set here`,
    {
      hint: `export ${name}=…, or write ${name}=VALUE`,
    },
  );
}

/** Lines `NAME=VALUE` or `NAME`, as `docker run --env-file` takes them: blank lines and those that begin with # are left out. */
async function readEnvFile({ path, read }: TextFile): Promise<PlacedEntry[]> {
  const lines = (await read()).split(/\r?\n/);
  return lines.flatMap((line, at) => {
    if (/^\s*(#|$)/.test(line)) return [];
    const entry = environmentEntry.read(line.trimStart().replace(/^export\s+/, ""));
    if (entry !== undefined) return [{ ...entry, place: `line ${at + 1} in ${path}` }];
    throw new TenkiError("usage", `invalid line ${at + 1} in ${path}: expected NAME=VALUE`);
  });
}

/** The lines of `authorized_keys` that hold a key. */
export async function readKeysFile({ read }: TextFile): Promise<string[]> {
  const lines = (await read()).split(/\r?\n/).map((line) => line.trim());
  return lines.filter((line) => line !== "" && !line.startsWith("#"));
}

/** `-` is stdin. */
export function textFile(named: string, ctx: Context): TextFile {
  if (named === "-") return { path: "stdin", read: () => readStdinText(ctx.io.stdin) };
  const path = ctx.localPath(named);
  const read = () =>
    readFile(path, "utf8").catch((cause: unknown) => {
      throw localFileError(path, cause);
    });
  return { path, read };
}
