import { homedir } from "node:os";
import type { Readable, Writable } from "node:stream";

export interface InputStream extends Readable {
  readonly isTTY?: boolean | undefined;
  setRawMode?(raw: boolean): unknown;
}

export interface OutputStream extends Writable {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** Everything that the command line knows of the world around it; a test has one of its own. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly homeDirectory: string;
  readonly userId: number;
  /** How this command line is called once more: node and the launcher. */
  readonly self: readonly string[];
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Where all three are the process's own, for another process to read and write. */
  readonly descriptors?: readonly [stdin: number, stdout: number, stderr: number] | undefined;
  /** Replaces what the signal does by itself; the result lets go again. */
  onSignal(name: NodeJS.Signals, listener: () => void): () => void;
  /** For what cannot be waited for any more. */
  exitNow(code: number): void;
}

/** The process's own; a stream is opened when it is first used. */
export function processIo(launcher: string): Io {
  return {
    env: process.env,
    get cwd() {
      return process.cwd();
    },
    get homeDirectory() {
      return process.env["HOME"] || homedir();
    },
    userId: process.getuid?.() ?? -1,
    self: [process.execPath, launcher],
    get stdin() {
      return process.stdin;
    },
    get stdout() {
      return withoutCrash(process.stdout);
    },
    get stderr() {
      return withoutCrash(process.stderr);
    },
    onSignal(name, listener) {
      process.on(name, listener);
      return () => void process.off(name, listener);
    },
    descriptors: [0, 1, 2],
    exitNow: (code) => process.exit(code),
  };
}

const guarded = new WeakSet<OutputStream>();

/** A closed pipe is told to whoever writes; without a listener it would end the process with a stack trace. */
function withoutCrash(stream: OutputStream): OutputStream {
  if (!guarded.has(stream)) stream.on("error", () => undefined);
  guarded.add(stream);
  return stream;
}
