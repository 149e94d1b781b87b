import { constants, copyFile, rm, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { runProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";

/** Whether files in this directory can share what is in them: two of them do. */
export async function canCloneFiles(directory: string): Promise<boolean> {
  const trial = join(directory, `.trial-${randomBytes(6).toString("hex")}`);
  const copy = `${trial}-copy`;
  try {
    await writeFile(trial, Buffer.alloc(65_536, "x"), { flag: "wx", mode: 0o600 });
    await copyFile(trial, copy, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (["ENOTSUP", "EOPNOTSUPP", "EINVAL", "ENOTTY", "ENOSYS", "EXDEV"].includes(code)) return false;
    throw error;
  } finally {
    for (const path of [trial, copy]) await rm(path, { force: true });
  }
}

/** A large image copied byte for byte takes its time. */
const copyTimeoutMs = 10 * 60_000;

/** A file of its own with the same content: shared where `shares`, else copied without its holes. A failure leaves nothing. */
export async function cloneFile(from: string, to: string, shares: boolean): Promise<void> {
  try {
    if (shares) await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    else {
      const argv = ["cp", "--sparse=always", "--reflink=auto", "--no-clobber", "--", from, to];
      await runProcess(argv, { env: { ...systemEnvironment }, timeoutMs: copyTimeoutMs });
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") await rm(to, { force: true });
    throw error;
  }
}
