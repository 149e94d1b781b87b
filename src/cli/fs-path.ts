import { TenkiError } from "../domain/error.js";
import { flag, optional } from "./flags/flag.js";
import { remotePath } from "./flags/parsers/paths.js";

/** A path of an `fs` command: an argument, or `--path`. */
export const pathArgument = optional("PATH", "in the session, rooted in /home/tenki", remotePath);
export const pathFlag = flag("PATH", "the same as the argument", remotePath);

interface PathOptions {
  readonly file: string | undefined;
  readonly path: string | undefined;
}

export function pathOf({ file, path }: PathOptions, fallback?: string): string {
  if (file !== undefined && path !== undefined && file !== path) {
    throw new TenkiError("usage", `two paths are named: "${file}" and "${path}"`);
  }
  const named = file ?? path ?? fallback;
  if (named !== undefined) return named;
  throw new TenkiError("usage", "missing argument PATH");
}
