import { createReadStream, createWriteStream } from "node:fs";
import { chmod, lstat, mkdir, readdir, readlink, rename, rm, rmdir, stat, unlink } from "node:fs/promises";
import { join, posix } from "node:path";
import { once } from "node:events";
import { Code, ConnectError } from "@connectrpc/connect";
import type { StoredSession } from "./session-table.js";

const home = "/home/tenki";

/** Where a session's path lies on this machine; one outside its home directory is refused. */
export function pathInside(session: StoredSession, path: string): string {
  const absolute = posix.resolve(home, path);
  if (absolute !== home && !absolute.startsWith(`${home}/`)) {
    throw new ConnectError(`permission denied: outside ${home}: ${path}`, Code.PermissionDenied);
  }
  const kept = path.endsWith("/.") ? "/." : "";
  return `${join(session.root, absolute.slice(home.length))}${kept}`;
}

export async function statFile(session: StoredSession, path: string) {
  const at = pathInside(session, path);
  const info = await lstat(at).catch(() => undefined);
  if (info === undefined) return { exists: false };
  return {
    exists: true,
    size: BigInt(info.size),
    mode: info.mode & 0o7777,
    modifiedUnixNs: 1_767_225_600_000_000_000n,
    isDir: info.isDirectory(),
    isSymlink: info.isSymbolicLink(),
    symlinkTarget: info.isSymbolicLink() ? await readlink(at) : "",
  };
}

export async function listFiles(session: StoredSession, path: string, includeHidden: boolean) {
  const at = pathInside(session, path);
  const names = await readdir(at).catch((error: unknown) => fail(error, path));
  const shown = names.filter((name) => includeHidden || !name.startsWith("."));
  const entries = await Promise.all(
    shown.map(async (name) => ({ name, ...(await statFile(session, `${path}/${name}`)) })),
  );
  return { entries };
}

export async function makeDirectory(session: StoredSession, path: string, recursive: boolean): Promise<void> {
  await mkdir(pathInside(session, path), { recursive }).catch((error: unknown) => fail(error, path));
}

export async function removeFile(session: StoredSession, path: string, recursive: boolean) {
  const at = pathInside(session, path);
  const info = await lstat(at).catch((error: unknown) => fail(error, path));
  const remove = recursive ? rm(at, { recursive: true }) : info.isDirectory() ? rmdir(at) : unlink(at);
  await remove.catch((error: unknown) => fail(error, path));
  return { removed: true, entriesRemoved: 1n };
}

export async function* readStream(session: StoredSession, path: string) {
  const at = pathInside(session, path);
  const info = await stat(at).catch((error: unknown) => fail(error, path));
  if (info.isDirectory()) throw new ConnectError(`is a directory: ${path}`, Code.FailedPrecondition);
  if ((info.mode & 0o400) === 0) throw new ConnectError(`permission denied: ${path}`, Code.PermissionDenied);
  const totalSize = BigInt(info.size);
  for await (const data of createReadStream(at)) yield { data: data as Uint8Array, eof: false, totalSize };
  yield { data: new Uint8Array(), eof: true, totalSize };
}

type Frames = AsyncIterator<{
  frame?: { payload: { case?: string | undefined; value?: unknown } } | undefined;
}>;

export async function writeStream(
  session: StoredSession,
  start: { path: string; mode: number },
  frames: Frames,
) {
  const at = pathInside(session, start.path);
  const temporary = `${at}.part`;
  const output = createWriteStream(temporary);
  await once(output, "open").catch((error: unknown) => fail(error, start.path));
  output.on("error", () => undefined); // a write that is under way when it is given up
  let bytes = 0;
  try {
    for (let next = await frames.next(); !next.done; next = await frames.next()) {
      const payload = next.value.frame?.payload;
      if (payload?.case !== "data") continue;
      const data = payload.value as Uint8Array;
      bytes += data.length;
      if (!output.write(data)) await once(output, "drain");
    }
    await new Promise((resolve) => output.end(resolve));
    if (start.mode !== 0) await chmod(temporary, start.mode);
    await rename(temporary, at).catch((error: unknown) => fail(error, start.path));
  } catch (error) {
    output.destroy();
    await rm(temporary, { force: true });
    throw error;
  }
  return { bytesWritten: BigInt(bytes), path: start.path };
}

function fail(error: unknown, path: string): never {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") throw new ConnectError(`no such file or directory: ${path}`, Code.NotFound);
  if (code === "EEXIST") throw new ConnectError(`it exists: ${path}`, Code.AlreadyExists);
  throw new ConnectError(`${code ?? "failed"}: ${path}`, Code.FailedPrecondition);
}
