import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { TenkiError } from "../../domain/error.js";
import { systemEnvironment } from "../../lib/system-environment.js";

const killGraceMs = 2_000;
const keptBytes = 64 * 1024;

/** This side's `tar`: one owner, one way down. */
export interface LocalTar {
  /** Resolves when it has ended well; rejects with what it said. */
  readonly ended: Promise<void>;
  /** Ends it where it still runs. */
  close(): void;
}

/** Writes an archive of one entry of a directory, as `./name`. */
export function packLocal(parent: string, name: string): LocalTar & { readonly archive: Readable } {
  const child = spawn("tar", ["-c", "-f", "-", "-C", parent, `./${name}`], {
    stdio: ["ignore", "pipe", "pipe"],
    env: systemEnvironment,
  });
  return { archive: child.stdout, ...supervise(child, child.stderr) };
}

/**
 * Unpacks an archive into a directory that is empty and private. Modes are kept, owners are not; what else a
 * hostile archive may hold is for `checkTree` to refuse, before anything is moved out of that directory.
 */
export function unpackLocal(directory: string): LocalTar & { readonly input: Writable } {
  const flags = ["--no-same-owner", "--preserve-permissions", "--delay-directory-restore"];
  const child = spawn("tar", ["-x", "-f", "-", ...flags, "-C", directory], {
    stdio: ["pipe", "ignore", "pipe"],
    env: systemEnvironment,
  });
  child.stdin.on("error", () => undefined); // how it ended says more
  return { input: child.stdin, ...supervise(child, child.stderr) };
}

function supervise(child: ChildProcess, stderr: Readable): LocalTar {
  let said = "";
  stderr.on("data", (chunk: Buffer) => {
    if (said.length < keptBytes) said += chunk.toString("utf8");
  });
  const ended = end(child, () => said);
  ended.catch(() => undefined);
  return {
    ended,
    close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      setTimeout(() => child.kill("SIGKILL"), killGraceMs).unref();
    },
  };
}

async function end(child: ChildProcess, said: () => string): Promise<void> {
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", (cause) => {
      const message = `cannot run tar on this side: ${cause.message}`;
      reject(new TenkiError("failed_precondition", message, { cause, hint: "install tar" }));
    });
    child.once("close", (exitCode) => resolve(exitCode ?? 1));
  });
  if (code !== 0) throw new TenkiError("failed_precondition", `tar on this side failed: ${reasonOf(said())}`);
}

/** Of several lines the first one names what was wrong; the last one only says that something was. */
export const reasonOf = (stderr: string): string =>
  stderr
    .trim()
    .split("\n")[0]
    ?.replace(/^\S*tar: /, "") || "it said nothing";
