import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { InterruptedError } from "./interrupts.js";
import type { Io } from "./io.js";
import { writeBytes } from "./output/write.js";

/** Asks on the terminal and returns the line, without its ends; `hidden` shows nothing of it. */
export async function ask(io: Io, question: string, { hidden = false } = {}): Promise<string> {
  await writeBytes(io.stderr, question);
  const output = hidden ? new Writable({ write: (_chunk, _encoding, done) => done() }) : io.stderr;
  const lines = createInterface({ input: io.stdin, output, terminal: true, historySize: 0 });
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once("line", (line) => resolve(line.trim()));
      lines.once("SIGINT", () => reject(new InterruptedError("INT")));
      lines.once("close", () => resolve(""));
    });
  } finally {
    lines.close();
    io.stdin.pause();
    if (hidden) await writeBytes(io.stderr, "\n");
  }
}

/** True for `y` and `yes`. */
export async function confirm(io: Io, question: string): Promise<boolean> {
  return /^y(es)?$/i.test(await ask(io, `${question} [y/N] `));
}
