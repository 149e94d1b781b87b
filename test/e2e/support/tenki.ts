import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Readable } from "node:stream";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CallOptions {
  readonly input?: string | Readable | undefined;
  readonly env?: Record<string, string> | undefined;
  readonly cwd?: string | undefined;
  /** Default 60 s: a command that takes longer fails the test. */
  readonly timeoutMs?: number | undefined;
}

/** The built command line with a HOME and a data directory that belong to one test file. */
export class Workbench {
  readonly home: string;
  readonly dataDir: string;
  readonly env: Record<string, string>;

  private constructor(home: string) {
    this.home = home;
    this.dataDir = join(home, "engine");
    this.env = {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      HOME: home,
      TENKI_ENGINE_DATA_DIR: this.dataDir,
      LANG: "C.UTF-8",
    };
  }

  static async open(): Promise<Workbench> {
    return new Workbench(await mkdtemp(join(tmpdir(), "tenki-e2e-")));
  }

  /** Starts an engine on a free port and returns what `engine start --json` printed. */
  async startEngine(...flags: readonly string[]): Promise<EngineStarted> {
    const started = await this.ok(["engine", "start", "--listen", "127.0.0.1:0", "--json", ...flags], {
      timeoutMs: 120_000,
    });
    return JSON.parse(started) as EngineStarted;
  }

  /** Runs the command line to its end, whatever that is. */
  async call(args: readonly string[], options: CallOptions = {}): Promise<Outcome> {
    const child = this.spawn(args, options);
    const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? 60_000);
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended(child)]);
    clearTimeout(timer);
    return { code, stdout, stderr };
  }

  /** Runs the command line, which has to succeed, and returns what it printed. */
  async ok(args: readonly string[], options: CallOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.call(args, options);
    if (code === 0) return stdout;
    throw new Error(`tenki ${args.join(" ")} ended with ${code}\n${stderr}${stdout.slice(0, 2_000)}`);
  }

  async json<T>(args: readonly string[], options: CallOptions = {}): Promise<T> {
    return JSON.parse(await this.ok([...args, "--json"], options)) as T;
  }

  spawn(args: readonly string[], options: CallOptions = {}): ChildProcess {
    const child = spawn(launcher, args, {
      env: { ...this.env, ...options.env },
      cwd: options.cwd ?? this.home,
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin?.on("error", () => undefined); // a command that does not read its input
    if (typeof options.input === "object") options.input.pipe(child.stdin as NodeJS.WritableStream);
    else child.stdin?.end(options.input ?? "");
    return child;
  }

  /** Ends the engine with everything it runs, and removes every file. */
  async close(): Promise<void> {
    await this.call(["engine", "stop", "--terminate-sessions"], { timeoutMs: 120_000 });
    await rm(this.home, { recursive: true, force: true });
  }

  async directory(name: string): Promise<string> {
    const path = join(this.home, name);
    await mkdir(path, { recursive: true });
    return path;
  }
}

export interface EngineStarted {
  readonly endpoint: string;
  readonly token: string;
  readonly data_dir: string;
  readonly pid: number;
  readonly version: string;
}

export const launcher = resolve("bin/tenki");

async function text(stream: Readable | null): Promise<string> {
  if (stream === null) return "";
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

export const ended = (child: ChildProcess): Promise<number> =>
  new Promise((done, failed) => {
    child.once("error", failed);
    child.once("close", (code, signal) => done(code ?? (signal === "SIGKILL" ? 137 : 143)));
  });
