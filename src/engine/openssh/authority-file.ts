import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../lib/atomic-file.js";
import type { SshAuthority } from "../core/ports/ssh-keys.js";

export interface KeptAuthority extends SshAuthority {
  /** The name of the file that its private key is in, beside this one. */
  readonly file: string;
}

const name = "authority.json";
const keyPrefix = "authority-";

/** Which key signs, and which did before: one file, so that it is one or the other, whenever the engine is killed. */
export class AuthorityFile {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  async read(): Promise<KeptAuthority | undefined> {
    const text = await readFile(join(this.directory, name), "utf8").catch(ifMissing);
    if (text === undefined) return undefined;
    const { file, publicKey, former } = JSON.parse(text) as Written;
    const dated = former.map((old) => ({ ...old, trustedUntil: new Date(old.trustedUntil) }));
    return { file, publicKey, former: dated };
  }

  /** A name for a new key. */
  async newFile(): Promise<string> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    return `${keyPrefix}${randomBytes(6).toString("hex")}`;
  }

  async write(authority: KeptAuthority): Promise<void> {
    await writeFileAtomic(join(this.directory, name), `${JSON.stringify(authority, undefined, 2)}\n`);
  }

  async remove(file: string): Promise<void> {
    await rm(join(this.directory, file), { force: true });
  }

  /** Removes what an engine that was killed has left half done; ahead of everything else. */
  async sweep(keep: string | undefined): Promise<void> {
    for (const entry of await readdir(this.directory).catch(() => [])) {
      if (entry === name || entry === keep) continue;
      await rm(join(this.directory, entry), { recursive: true, force: true });
    }
  }
}

interface Written {
  readonly file: string;
  readonly publicKey: string;
  readonly former: readonly { readonly publicKey: string; readonly trustedUntil: string }[];
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
