import { lstat, mkdir, readFile, realpath, rm } from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { TenkiError } from "../../domain/error.js";
import type { Context } from "../context.js";
import { localFileError } from "../local-file-error.js";
import { writeLocalFile } from "../local-file.js";

/** The user's ssh config, byte for byte. */
export interface UserConfig {
  /** As it was named. */
  readonly path: string;
  /** Where it lies, behind links. */
  readonly target: string;
  /** Undefined: there is none. */
  readonly text: string | undefined;
}

/** `~/.ssh/config`, or the one that was named. */
export async function readUserConfig(named: string | undefined, ctx: Context): Promise<UserConfig> {
  const path = named === undefined ? join(ctx.io.homeDirectory, ".ssh", "config") : ctx.localPath(named);
  const target = await realpath(path).catch(() => path);
  return { path, target, text: await readIfThere(target) };
}

/** Keeps its mode and owner. */
export async function replaceUserConfig({ target }: UserConfig, text: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  await write(target, text);
}

const backupPath = (target: string): string => `${target}.before-tenki`;

export async function backUp({ target, text }: UserConfig): Promise<void> {
  if (text !== undefined) await write(backupPath(target), text);
}

/** Where it is what the file is again, it has done its work. */
export async function dropBackup({ target }: UserConfig, text: string): Promise<void> {
  const path = backupPath(target);
  if ((await readIfThere(path)) === text) await rm(path);
}

export const removeUserConfig = ({ target }: UserConfig): Promise<void> => rm(target);

/** ssh looks into the home directory of the user's entry in the passwd file, whatever HOME says. */
export function isReadBySsh(named: string | undefined, { io }: Context): boolean {
  return named === undefined && userInfo().homedir === io.homeDirectory;
}

export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "latin1");
  } catch (cause) {
    const isLink = await lstat(path).then(
      () => true,
      () => false,
    );
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw localFileError(path, cause);
    if (!isLink) return undefined;
    throw new TenkiError("failed_precondition", `${path} is a link to a file that is not there`);
  }
}

async function write(path: string, text: string): Promise<void> {
  const isNew = (await readIfThere(path)) === undefined;
  await writeLocalFile(path, chunks(text), isNew ? { mode: 0o600 } : {});
}

// oxlint-disable-next-line typescript/require-await
async function* chunks(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text, "latin1");
}
