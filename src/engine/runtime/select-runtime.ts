import { basename } from "node:path";
import { TenkiError } from "../../domain/error.js";
import { tryProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import type { CgroupVersion } from "./cgroup-layout.js";

export interface OciRuntimeProgram {
  /** A name that the system's PATH resolves, or a path. */
  readonly command: string;
  /** The first line of what it says about itself: `runc version 1.1.5`. */
  readonly version: string;
}

export interface SelectRuntimeOptions {
  readonly cgroups: CgroupVersion;
  /** A name or path that was asked for: that one or none. */
  readonly requested?: string | undefined;
}

/** Finds the OCI runtime to use on this machine: crun where it knows the cgroup layout, as it is the faster, else runc. */
export async function selectRuntime(options: SelectRuntimeOptions): Promise<OciRuntimeProgram> {
  const { cgroups, requested } = options;
  if (requested !== undefined) return requireRequested(requested, cgroups);
  for (const command of cgroups === "hybrid" ? ["runc"] : ["crun", "runc"]) {
    const found = await probeRuntime(command);
    if (found.program !== undefined) return found.program;
  }
  const reason = cgroups === "hybrid" ? " (this machine's cgroups are hybrid, which crun does not know)" : "";
  throw new TenkiError("failed_precondition", `there is no OCI runtime on this machine${reason}`, {
    hint: "apt-get install runc",
  });
}

async function requireRequested(requested: string, cgroups: CgroupVersion): Promise<OciRuntimeProgram> {
  const { program, problem } = await probeRuntime(requested);
  if (program === undefined) {
    const name = basename(requested);
    const known = name === "runc" || name === "crun";
    throw new TenkiError("failed_precondition", `the OCI runtime ${requested} does not work: ${problem}`, {
      hint: known
        ? `apt-get install ${name}, or leave --oci-runtime out`
        : "leave --oci-runtime out, or name another",
    });
  }
  if (cgroups === "hybrid" && program.version.startsWith("crun ")) {
    throw new TenkiError(
      "failed_precondition",
      `the OCI runtime ${requested} does not know the hybrid cgroups of this machine`,
      { hint: "leave --oci-runtime out, or name runc" },
    );
  }
  return program;
}

const probeTimeoutMs = 5_000;

async function probeRuntime(command: string): Promise<{ program?: OciRuntimeProgram; problem?: string }> {
  try {
    const result = await tryProcess([command, "--version"], {
      env: { ...systemEnvironment },
      timeoutMs: probeTimeoutMs,
    });
    const [version = ""] = result.stdout.split("\n");
    if (result.exitCode === 0 && version !== "") return { program: { command, version } };
    return { problem: result.stderr.trim() || `it exits with ${result.exitCode}` };
  } catch (error) {
    return { problem: error instanceof Error && "code" in error ? describe(error) : String(error) };
  }
}

const describe = (error: Error & { code?: unknown }): string =>
  error.code === "ENOENT" ? "there is no such program" : error.message;
