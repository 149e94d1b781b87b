import type { SessionState } from "./session.js";

/** What a sandbox uses at one moment; what is not known is not there. Counters only grow while the sandbox lives. */
export interface SandboxStats {
  /** Processor time of all cores together, in microseconds. */
  readonly cpuUsageUs?: number | undefined;
  readonly cpuCores?: number | undefined;
  /** Without the file cache, which the kernel takes back when it is short. */
  readonly memoryBytes?: number | undefined;
  readonly memoryLimitBytes?: number | undefined;
  readonly processes?: number | undefined;
  readonly processLimit?: number | undefined;
  /** As the sandbox sees it. */
  readonly networkReceivedBytes?: number | undefined;
  readonly networkSentBytes?: number | undefined;
}

export interface DiskUsage {
  readonly usedBytes: number;
  readonly sizeBytes: number;
}

/** A session, and what its sandbox uses. */
export interface SessionStats extends SandboxStats {
  readonly sessionId: string;
  readonly name: string;
  readonly state: SessionState;
  readonly sampledAt: Date;
  readonly diskUsedBytes?: number | undefined;
  readonly diskSizeBytes?: number | undefined;
}
