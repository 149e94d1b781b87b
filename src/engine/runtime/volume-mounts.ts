import { type ErrorKind, TenkiError } from "../../domain/error.js";
import type { ProcessIdentity } from "../../lib/process-identity.js";
import { type ProcessResult, tryProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import type { SandboxVolume } from "../core/ports/runtime.js";

export interface VolumeMountsOptions {
  /** Also what goes into a sandbox's mounts from outside. */
  readonly guestBinary: string;
  /** Pid 1 of the sandbox, as the host sees it. */
  readonly init: ProcessIdentity;
}

/** Ends with the codes of `src/guest/volume.h`. */
const failures: Readonly<Record<number, ErrorKind>> = {
  3: "unavailable",
  4: "failed_precondition",
  5: "failed_precondition",
  6: "resource_exhausted",
  7: "already_exists",
};

/** Makes a volume appear in a sandbox that runs. Idempotent. */
export async function mountVolume(
  { guestBinary, init }: VolumeMountsOptions,
  { directory, mountPath, readonly }: SandboxVolume,
): Promise<void> {
  const mode = readonly ? "ro" : "rw";
  const result = await call([guestBinary, "mount", ...named(init), directory, mountPath, mode]);
  if (result.exitCode !== 0) throw failureOf(result, mountPath);
}

/** Takes it away again; refused while somebody has something open there, unless `force` kills them. Idempotent. */
export async function unmountVolume(
  { guestBinary, init }: VolumeMountsOptions,
  { directory, mountPath }: SandboxVolume,
  { force, ownFileSystem }: { readonly force: boolean; readonly ownFileSystem: boolean },
): Promise<void> {
  const how = [force ? "kill" : "keep", ownFileSystem ? "own" : "shared"];
  const result = await call([guestBinary, "unmount", ...named(init), directory, mountPath, ...how]);
  if (result.exitCode !== 0) throw failureOf(result, mountPath);
}

const named = ({ pid, startTicks }: ProcessIdentity): string[] => [String(pid), startTicks];

const call = (argv: readonly string[]): Promise<ProcessResult> =>
  tryProcess(argv, { env: { ...systemEnvironment } });

function failureOf({ exitCode, stdout, stderr }: ProcessResult, mountPath: string): TenkiError {
  const kind = failures[exitCode] ?? "internal";
  switch (exitCode) {
    case 3:
      return new TenkiError(kind, "the sandbox does not answer");
    case 4:
      return new TenkiError(kind, `cannot mount at ${mountPath}: it goes through a link, or a file`);
    case 5:
      return inUse(stdout);
    case 6:
      return new TenkiError(kind, `cannot mount at ${mountPath}: no space left on the disk of the session`);
    case 7:
      return new TenkiError(kind, `mount path ${mountPath} is taken: something is mounted there`);
    default:
      return new TenkiError(kind, `cannot mount at ${mountPath}: ${stderr.trim()}`);
  }
}

/** More names than a person reads at once say no more. */
const shown = 5;

function inUse(stdout: string): TenkiError {
  const holders = stdout.split("\n").filter((line) => line !== "");
  const names = holders.slice(0, shown).map((line) => line.replace(/^(\d+) (.*)$/, "$2 (pid $1)"));
  const more = holders.length > shown ? `, and ${holders.length - shown} more` : "";
  const who = names.length === 0 ? "a process that cannot be found" : `${names.join(", ")}${more}`;
  return new TenkiError("failed_precondition", `volume is in use by ${who}`, {
    hint: "end that, or detach with --force, which kills it",
  });
}
