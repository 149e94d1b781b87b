import { lstat, mkdir, mkdtemp, rm, chmod, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { localFileError } from "../local-file-error.js";
import { checkTree } from "./check-tree.js";
import { feed } from "./feed.js";
import { packLocal, unpackLocal } from "./local-tar.js";
import { placeTree } from "./place-tree.js";

/** An archive of a tree on this side, as it comes; a `tar` that did not end well is an error at its end. */
export async function* packTree(parent: string, name: string): AsyncGenerator<Uint8Array, void, undefined> {
  const tar = packLocal(parent, name);
  try {
    for await (const chunk of tar.archive) yield chunk as Uint8Array;
    await tar.ended;
  } finally {
    tar.close();
  }
}

/**
 * Unpacks an archive from a session on this side, in a directory that nobody else can enter; it takes its place
 * when it is whole and found harmless. A failure leaves what was there.
 */
export async function unpackTree(
  { target, name }: { readonly target: string; readonly name: string },
  archive: AsyncIterable<Uint8Array>,
): Promise<void> {
  const isMerge = (await lstat(target).catch(() => undefined))?.isDirectory() === true;
  const parent = isMerge ? target : dirname(target);
  const stage = await mkdtemp(join(parent, ".tenki-cp-")).catch((cause: unknown) => {
    throw localFileError(parent, cause);
  });
  try {
    const tree = join(stage, "tree");
    await mkdir(tree);
    await unpack(tree, archive);
    await checkTree(tree, name);
    await placeTree(name === "." ? tree : join(tree, name), target);
  } finally {
    await removeTree(stage);
  }
}

async function unpack(directory: string, archive: AsyncIterable<Uint8Array>): Promise<void> {
  const tar = unpackLocal(directory);
  const { input } = tar;
  try {
    await feed(archive, {
      take: (chunk) => new Promise((resolve) => input.write(chunk, (error) => resolve(error == null))),
      checkEnd: () => tar.ended,
    });
    input.end();
    await tar.ended;
  } finally {
    tar.close();
    await tar.ended.catch(() => undefined);
  }
}

/** A directory without its own permissions is no reason to leave anything behind. */
async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(async () => {
    await makeWritable(path);
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  });
}

async function makeWritable(directory: string): Promise<void> {
  await chmod(directory, 0o700).catch(() => undefined);
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await makeWritable(join(directory, entry.name));
}
