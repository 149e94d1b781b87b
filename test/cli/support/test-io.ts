import { EventEmitter } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import type { InputStream, Io, OutputStream } from "../../../src/cli/io.js";
import { main } from "../../../src/main.js";
import { waitUntil } from "../../../src/lib/wait-until.js";

export interface CallOptions {
  /** What stdin holds; a stream stays open as long as it likes. Default: nothing. */
  readonly input?: string | Readable | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Which streams are a terminal. */
  readonly terminal?: readonly ("stdin" | "stdout" | "stderr")[] | undefined;
  readonly columns?: number | undefined;
  readonly cwd?: string | undefined;
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line's world in memory, with a HOME of its own. */
export class TestWorld implements AsyncDisposable {
  readonly home: string;
  readonly env: Record<string, string>;

  private constructor(home: string, env: Readonly<Record<string, string>>) {
    this.home = home;
    this.env = {
      HOME: home,
      PATH: process.env["PATH"] ?? "",
      TENKI_ENGINE_DATA_DIR: join(home, "engine"),
      ...env,
    };
  }

  static async open(env: Readonly<Record<string, string>> = {}): Promise<TestWorld> {
    return new TestWorld(await mkdtemp(join(tmpdir(), "tenki-cli-")), env);
  }

  get configPath(): string {
    return join(this.home, ".config", "tenki", "config.yaml");
  }

  /** Begins a command that a test talks to while it runs. */
  start(args: readonly string[], options: CallOptions = {}): RunningCall {
    return new RunningCall(args, this, options);
  }

  async call(args: readonly string[], options: CallOptions = {}): Promise<Outcome> {
    return this.start(args, options).ended;
  }

  /** A command that has to succeed; its stdout. */
  async ok(args: readonly string[], options: CallOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.call(args, options);
    if (code === 0) return stdout;
    throw new Error(`tenki ${args.join(" ")} ended with ${code}\n${stderr}`);
  }

  async json<T>(args: readonly string[], options: CallOptions = {}): Promise<T> {
    return JSON.parse(await this.ok([...args, "--json"], options)) as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.home, { recursive: true, force: true });
  }
}

export class RunningCall {
  readonly stdin: InputStream & { readonly raw: readonly boolean[] };
  readonly stdout: Capture;
  readonly stderr: Capture;
  readonly ended: Promise<Outcome>;
  /** The code it was abandoned with, where it was. */
  abandoned: number | undefined;
  /** Signals to whose name nobody listened for a moment: one that comes then is lost. */
  readonly unheard = new Set<string>();
  readonly #heard = new Set<string>();
  readonly #signals = new EventEmitter();

  constructor(args: readonly string[], world: TestWorld, options: CallOptions) {
    const isTerminal = (name: "stdin" | "stdout" | "stderr") => options.terminal?.includes(name) === true;
    this.stdin = input(options.input, isTerminal("stdin"));
    this.stdout = new Capture(isTerminal("stdout") ? (options.columns ?? 80) : undefined);
    this.stderr = new Capture(isTerminal("stderr") ? (options.columns ?? 80) : undefined);
    const io: Io = {
      env: { ...world.env, ...options.env },
      cwd: options.cwd ?? world.home,
      homeDirectory: world.home,
      userId: 1000,
      self: ["node", "tenki"],
      stdin: this.stdin,
      stdout: this.stdout,
      stderr: this.stderr,
      onSignal: (name, listener) => {
        const isFirst = !this.#signals.eventNames().includes(name);
        if (isFirst && this.#heard.has(name)) this.unheard.add(name);
        this.#heard.add(name);
        this.#signals.on(name, listener);
        return () => void this.#signals.off(name, listener);
      },
      exitNow: (code) => void (this.abandoned = code),
    };
    this.ended = main(args, io).then((code) => ({
      code,
      stdout: this.stdout.text,
      stderr: this.stderr.text,
    }));
  }

  /** False where nobody listens: the signal would have ended the process. */
  signal(name: NodeJS.Signals): boolean {
    return this.#signals.emit(name);
  }

  /** Until a stream shows it. */
  async shows(stream: "stdout" | "stderr", pattern: RegExp): Promise<void> {
    const seen = await waitUntil(() => (pattern.test(this[stream].text) ? true : undefined), {
      timeoutMs: 10_000,
    });
    if (seen === undefined) throw new Error(`${stream} never showed ${pattern}: ${this[stream].text}`);
  }
}

/** A stream that keeps what is written to it; it can be closed as `| head` closes a pipe, or be held. */
export class Capture extends Writable implements OutputStream {
  readonly isTTY: boolean;
  columns: number | undefined;
  rows: number | undefined;
  readonly #chunks: Buffer[] = [];
  #held: (() => void) | undefined;
  #holds = false;
  #closed = false;

  constructor(columns: number | undefined) {
    super({ decodeStrings: true });
    this.isTTY = columns !== undefined;
    this.columns = columns;
    this.rows = columns === undefined ? undefined : 24;
    this.on("error", () => undefined);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.bytes.toString("utf8");
  }

  /** Nobody reads any more. */
  breakPipe(): void {
    this.#closed = true;
  }

  hold(): void {
    this.#holds = true;
  }

  release(): void {
    this.#holds = false;
    this.#held?.();
  }

  // What a terminal can do besides, for those who ask it to.
  clearLine(): void {}
  cursorTo(): void {}
  moveCursor(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#closed) return done(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
    this.#chunks.push(Buffer.from(chunk));
    if (this.#holds) this.#held = done;
    else done();
  }
}

function input(content: string | Readable | undefined, isTerminal: boolean) {
  const stream = typeof content === "object" ? content : new PassThrough();
  if (typeof content !== "object" && !(isTerminal && content === undefined))
    (stream as PassThrough).end(content ?? "");
  const raw: boolean[] = [];
  return Object.assign(stream, { isTTY: isTerminal, raw, setRawMode: (on: boolean) => void raw.push(on) });
}
