import type { Finding } from "../core/finding.js";

export interface DoctorReport {
  /** Which kind of engine whoever asks would get. */
  readonly mode: "root" | "rootless";
  readonly findings: readonly Finding[];
}

export interface DoctorOptions {
  /** The OCI runtime to look at. Default: the one that would be chosen. */
  readonly ociRuntime?: string | undefined;
}

/** Tries everything that an engine of this user's would need, and says what is missing and how to get it. */
export async function runDoctor(options: DoctorOptions = {}): Promise<DoctorReport> {
  const [
    { checkRuntime },
    { checkImages },
    { checkDisks },
    { checkNetwork },
    { checkRootless },
    { checkSsh },
    { checkMemorySnapshots },
  ] = await Promise.all([
    import("../runtime/checks.js"),
    import("../images/checks.js"),
    import("../disks/checks.js"),
    import("../network/checks.js"),
    import("../rootless/checks.js"),
    import("../runtime/openssh.js"),
    import("../runtime/memory-check.js"),
  ]);
  const isRoot = process.getuid?.() === 0;
  const checks: readonly Check[] = isRoot
    ? [
        ["runtime", () => checkRuntime(options)],
        ["images", () => checkImages()],
        ["disks", checkDisks],
        ["network", checkNetwork],
        ["ssh", checkSsh],
        ["memory", () => checkMemorySnapshots(options)],
      ]
    : [
        ["rootless", checkRootless],
        ["images", () => checkImages()],
        ["ssh", checkSsh],
        ["memory", () => checkMemorySnapshots(options)],
      ];
  const findings: Finding[] = [];
  for (const [name, check] of checks) findings.push(...(await attempt(name, check)));
  return { mode: isRoot ? "root" : "rootless", findings };
}

type Check = readonly [name: string, check: () => Promise<Finding[]>];

/** A check that breaks is a finding too: the others still have something to say. */
async function attempt(name: string, check: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await check();
  } catch (error) {
    const detail = `could not be looked at: ${error instanceof Error ? error.message : String(error)}`;
    return [{ name, ok: false, required: true, detail }];
  }
}
