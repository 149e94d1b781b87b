import { TenkiError } from "../domain/error.js";

export function requirePath(path: string | undefined, name: string): string {
  if (path !== undefined) return path;
  throw new TenkiError("usage", `missing flag --path for "${name}"`, { hint: `${name} --help` });
}
