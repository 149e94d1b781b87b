import { chmod, lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { TenkiError } from "../../domain/error.js";

const setIdBits = 0o6000;

/**
 * What a sandbox sent, before it is moved to where others reach it: files, directories and symlinks only, no
 * hard link to anything outside the tree, and no set-user-id or set-group-id bit, which would act for whoever
 * copies here.
 */
export async function checkTree(directory: string, expected: string): Promise<void> {
  const names = await readdir(directory);
  if (expected !== "." && names.join("/") !== expected) throw refused(names.join(", ") || "nothing");
  const found = new Survey();
  await found.visit(directory);
  found.checkHardLinks();
  for (const { path, mode } of found.withSetId) await chmod(path, mode & 0o1777);
}

interface Links {
  readonly path: string;
  readonly expected: number;
  seen: number;
}

class Survey {
  readonly withSetId: { readonly path: string; readonly mode: number }[] = [];
  readonly #links = new Map<bigint, Links>();

  async visit(path: string): Promise<void> {
    const info = await lstat(path, { bigint: true });
    if (info.isSymbolicLink()) return;
    if (!info.isFile() && !info.isDirectory())
      throw refused(`a special file (${path.split("/").at(-1) ?? ""})`);
    const mode = Number(info.mode);
    if ((mode & setIdBits) !== 0) this.withSetId.push({ path, mode });
    if (info.isDirectory()) {
      for (const name of await readdir(path)) await this.visit(join(path, name));
    } else if (info.nlink > 1n) {
      const links = this.#links.get(info.ino) ?? { path, expected: Number(info.nlink), seen: 0 };
      this.#links.set(info.ino, { ...links, seen: links.seen + 1 });
    }
  }

  checkHardLinks(): void {
    for (const { path, expected, seen } of this.#links.values()) {
      if (seen !== expected)
        throw refused(`a hard link that leads outside (${path.split("/").at(-1) ?? ""})`);
    }
  }
}

const refused = (what: string): TenkiError =>
  new TenkiError("failed_precondition", `the session sent ${what}: nothing was copied`);
