import { join, resolve } from "node:path";

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  readonly userId: number;
}

/** Where the engine of this machine keeps what it has: as asked for, else root's or the user's own place. */
export function resolveDataDir(asked: string | undefined, surroundings: Surroundings): string {
  const named = asked ?? surroundings.env["TENKI_ENGINE_DATA_DIR"];
  if (named !== undefined && named !== "") return resolve(named);
  if (surroundings.userId === 0) return "/var/lib/tenki";
  const base = surroundings.env["XDG_DATA_HOME"] || join(surroundings.homeDirectory, ".local", "share");
  return join(base, "tenki");
}
