import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { TenkiError } from "../../domain/error.js";
import { isSameProcess, readProcessIdentity, type ProcessIdentity } from "../../lib/process-identity.js";
import { waitUntil } from "../../lib/wait-until.js";
import type { SessionDirectory } from "./session-directory.js";

interface RecordedInit extends ProcessIdentity {
  /** Pids and start times begin anew with each boot. */
  readonly bootId: string;
}

/** Notes who pid 1 of a sandbox is on the host, from what the runtime has just told. */
export async function recordInit(directory: SessionDirectory): Promise<void> {
  const identity = readProcessIdentity(Number(await readFile(directory.pidFile, "utf8")));
  if (identity === undefined) throw new TenkiError("internal", "the sandbox ended as soon as it started");
  await writeFile(directory.identity, JSON.stringify({ ...identity, bootId: bootId() }), { mode: 0o600 });
}

/** Pid 1 of a sandbox, if it runs. */
export async function runningInit(directory: SessionDirectory): Promise<ProcessIdentity | undefined> {
  const recorded = parse(await readFile(directory.identity, "utf8").catch(() => ""));
  return recorded !== undefined && recorded.bootId === bootId() && isSameProcess(recorded)
    ? recorded
    : undefined;
}

const killTimeoutMs = 10_000;

/**
 * Kills pid 1, and with it, as the kernel does, everything in its namespace; waits until all of it is gone.
 * `thaw` comes between: what stands still does not die, and what was killed before does nothing any more.
 */
export async function killInit(directory: SessionDirectory, thaw: () => Promise<void>): Promise<void> {
  const init = await runningInit(directory);
  if (init !== undefined) kill(init.pid);
  await thaw();
  if (init === undefined) return;
  await waitUntil(() => (isSameProcess(init) ? undefined : true), {
    timeoutMs: killTimeoutMs,
    intervalMs: 1,
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

function parse(text: string): RecordedInit | undefined {
  try {
    return JSON.parse(text) as RecordedInit;
  } catch {
    return undefined;
  }
}

const bootId = (): string => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
