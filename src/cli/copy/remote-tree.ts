import { posix } from "node:path";
import type { RunningCommand, Session } from "../../client/index.js";
import { TenkiError } from "../../domain/error.js";
import { endOf, runInside } from "../run-inside.js";
import { feed } from "./feed.js";
import { reasonOf } from "./local-tar.js";

const keptBytes = 64 * 1024;
const environment = { LC_ALL: "C" };

export interface RemoteTree {
  readonly session: Session;
  /** The directory that holds it, absolute. */
  readonly parent: string;
  /** `.`: its contents. */
  readonly name: string;
}

/** An archive of a tree in a session, as it comes; a `tar` there that did not end well is an error at its end. */
export async function* packRemote({ session, parent, name }: RemoteTree, signal: AbortSignal) {
  const argv = ["tar", "-c", "-f", "-", "-C", parent, `./${name}`];
  const command = await session.start(argv, { env: environment, signal });
  let said = "";
  try {
    for await (const { kind, data } of command.output) {
      if (kind === "stdout") yield data;
      else if (said.length < keptBytes) said += Buffer.from(data).toString("utf8");
    }
    await checkEnd(command, argv, said);
  } finally {
    command.close();
  }
}

/** Unpacks beside the target's place and prints where; takes everything away again where that fails. */
const stageScript = `
stage=$(mktemp -d "$1/.tenki-cp-XXXXXX") || exit 1
drop() { chmod -R u+rwX "$stage" 2>/dev/null; rm -rf "$stage"; }
trap 'drop; exit 1' HUP INT TERM
printf '%s\\n' "$stage"
mkdir "$stage/tree" && tar -x -p -f - -C "$stage/tree" || { code=$?; drop; exit "$code"; }
`;

/** Moves what was unpacked to its place, or into the directory that is there. */
const commitScript = `
set -eu
from=$1/$2 to=$3
if [ -d "$from" ] && [ ! -L "$from" ]; then
  if [ -d "$to" ]; then cp -a "$from/." "$to/"
  else mode=$(stat -c %a "$from"); chmod u+rwx "$from"; mv "$from" "$to"; chmod "$mode" "$to"; fi
else
  if [ -d "$to" ] && [ ! -L "$to" ]; then echo "$to is a directory" >&2; exit 1; fi
  mv -f "$from" "$to"
fi
`;

const dropScript = 'chmod -R u+rwX "$1" 2>/dev/null; rm -rf "$1"';

/**
 * Unpacks an archive in a session. Only when all of it has arrived, and the sender has found it whole, does it
 * take its place: until then it lies beside it (in it, where a directory is there), and a failure takes it away.
 */
export async function unpackRemote(
  session: Session,
  { target, name }: { readonly target: string; readonly name: string },
  archive: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const isMerge = (await session.stat(target))?.isDirectory === true;
  const argv = ["sh", "-c", stageScript, "sh", isMerge ? target : posix.dirname(target)];
  const command = await session.start(argv, { env: environment, stdin: true, signal });
  const said = { stdout: "", stderr: "" };
  const output = collect(command, said);
  output.catch(() => undefined);
  try {
    const ended = async (): Promise<void> => {
      await output;
      await checkEnd(command, argv, said.stderr);
    };
    const take = (chunk: Uint8Array): Promise<boolean> =>
      command.writeStdin(chunk).then(
        () => true,
        () => false,
      );
    await feed(archive, { take, checkEnd: ended });
    await command.closeStdin().catch(() => undefined);
    await ended();
    await commit(session, { stage: said.stdout.trim(), name, target }, signal);
  } finally {
    command.close();
    await drop(session, said.stdout.trim());
  }
}

interface Staged {
  readonly stage: string;
  readonly name: string;
  readonly target: string;
}

async function commit(session: Session, { stage, name, target }: Staged, signal: AbortSignal): Promise<void> {
  const from = name === "." ? "tree" : `tree/${name}`;
  const { code, stderr } = await runInside(session, ["sh", "-c", commitScript, "sh", stage, from, target], {
    signal,
  });
  if (code === 0) return;
  throw new TenkiError("failed_precondition", `cannot put ${target} in its place: ${reasonOf(stderr)}`);
}

/** With a bound of its own: it is cleaned up after a Ctrl-C, too. */
async function drop(session: Session, stage: string): Promise<void> {
  if (!stage.includes("/.tenki-cp-")) return;
  await runInside(session, ["sh", "-c", dropScript, "sh", stage], { timeoutMs: 10_000 }).catch(
    () => undefined,
  );
}

async function collect(command: RunningCommand, said: { stdout: string; stderr: string }): Promise<void> {
  for await (const { kind, data } of command.output) {
    if (said[kind].length < keptBytes) said[kind] += Buffer.from(data).toString("utf8");
  }
}

async function checkEnd(command: RunningCommand, argv: readonly string[], stderr: string): Promise<void> {
  const code = await endOf(command, argv);
  if (code === 0) return;
  throw new TenkiError("failed_precondition", `tar in the session failed: ${reasonOf(stderr)}`);
}
