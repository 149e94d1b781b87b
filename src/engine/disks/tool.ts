import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { ProcessError } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";

export interface ToolOptions {
  readonly signal: AbortSignal;
  readonly input?: Writable | Readable | "pipe" | undefined;
}

export interface Tool {
  readonly child: ChildProcessByStdio<Writable | null, Readable, Readable>;
  /** What it says, until it has ended well; else throws what it complained of. */
  output(): AsyncGenerator<Buffer>;
  /** What it says, cut at each zero byte. */
  records(): AsyncGenerator<Buffer>;
  /** Resolves when it has ended well. */
  readonly ended: Promise<void>;
}

const complaintCapBytes = 4_096;

/** A program whose output is read as it comes, and as fast as it is wanted; ended with `signal`. */
export function startTool(argv: readonly string[], { signal, input }: ToolOptions): Tool {
  const [file = "", ...args] = argv;
  const child = spawn(file, args, {
    stdio: [input ?? "ignore", "pipe", "pipe"],
    env: { ...systemEnvironment },
  }) as ChildProcessByStdio<Writable | null, Readable, Readable>;
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    if (complaint.length < complaintCapBytes) complaint += chunk.toString();
  });
  const kill = () => void child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  if (signal.aborted) kill();
  const ended = settle();
  ended.catch(() => undefined); // whoever waits for it has the error
  async function settle(): Promise<void> {
    const [code] = (await once(child, "exit")) as [number | null];
    signal.removeEventListener("abort", kill);
    signal.throwIfAborted();
    if (code !== 0) throw new ProcessError(argv, { exitCode: code ?? 137, stdout: "", stderr: complaint });
  }
  async function* output(): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of child.stdout) yield chunk as Buffer;
      await ended;
    } finally {
      kill();
    }
  }
  return { child, output, records: () => split(output()), ended };
}

async function* split(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(0); end >= 0; end = chunk.indexOf(0, from)) {
      yield Buffer.concat([rest, chunk.subarray(from, end)]);
      rest = Buffer.alloc(0);
      from = end + 1;
    }
    rest = Buffer.concat([rest, chunk.subarray(from)]);
  }
}
