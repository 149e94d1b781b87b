import { spawn } from "node:child_process";

export interface RunProcessOptions {
  /** Ends the process: TERM, then KILL after a grace. */
  readonly signal?: AbortSignal | undefined;
  /** Default 30 s; a system tool that takes longer is stuck. */
  readonly timeoutMs?: number | undefined;
  readonly input?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly cwd?: string | undefined;
}

export interface ProcessResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A child process that failed, with what it said. */
export class ProcessError extends Error {
  override readonly name = "ProcessError";
  readonly result: ProcessResult;

  constructor(argv: readonly string[], result: ProcessResult) {
    const said = result.stderr.trim() || result.stdout.trim() || `exit code ${result.exitCode}`;
    super(`${argv.slice(0, 3).join(" ")}: ${firstLine(said)}`);
    this.result = result;
  }
}

/** `cp` says the same of every file: the rest is in `result`. */
function firstLine(said: string): string {
  const [first = "", ...more] = said.split("\n");
  return more.length === 0 ? first : `${first} (and ${more.length} more lines)`;
}

const killGraceMs = 2_000;
const outputCapBytes = 1 << 20;

/** Runs a program to its end without a shell and returns what it said; a program that cannot be started throws. */
export function tryProcess(argv: readonly string[], options: RunProcessOptions = {}): Promise<ProcessResult> {
  const [file, ...args] = argv;
  if (file === undefined) throw new TypeError("an empty command");
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"], env: options.env, cwd: options.cwd });
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    let killTimer: NodeJS.Timeout | undefined;
    const end = () => {
      child.kill("SIGTERM");
      killTimer ??= setTimeout(() => child.kill("SIGKILL"), killGraceMs);
    };
    const deadline = setTimeout(end, options.timeoutMs ?? 30_000);
    options.signal?.addEventListener("abort", end, { once: true });
    if (options.signal?.aborted) end();
    const settle = () => {
      clearTimeout(deadline);
      clearTimeout(killTimer);
      options.signal?.removeEventListener("abort", end);
    };
    child.on("error", (error) => {
      settle();
      reject(error);
    });
    child.on("close", (code, signal) => {
      settle();
      resolve({ exitCode: code ?? (signal === "SIGKILL" ? 137 : 143), stdout: stdout(), stderr: stderr() });
    });
    child.stdin.on("error", () => undefined); // a child that does not read its input is no failure of ours
    child.stdin.end(options.input ?? "");
  });
}

/** As `tryProcess`, but a non-zero exit throws a `ProcessError`. */
export async function runProcess(argv: readonly string[], options: RunProcessOptions = {}): Promise<string> {
  const result = await tryProcess(argv, options);
  if (result.exitCode !== 0) throw new ProcessError(argv, result);
  return result.stdout;
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on("data", (chunk: Buffer) => {
    if (size < outputCapBytes) chunks.push(chunk);
    size += chunk.length;
  });
  return () => Buffer.concat(chunks).toString("utf8");
}
