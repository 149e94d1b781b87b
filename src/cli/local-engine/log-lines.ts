import { open, readFile, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { TenkiError } from "../../domain/error.js";

const lookEveryMs = 200;

/** The last lines of a log, and where it ended when they were read. */
export async function lastLines(path: string, count: number): Promise<{ lines: string[]; end: number }> {
  try {
    const content = await readFile(path);
    const lines = content
      .toString("utf8")
      .split("\n")
      .filter((line) => line !== "");
    return { lines: count === 0 ? [] : lines.slice(-count), end: content.length };
  } catch (cause) {
    throw new TenkiError("not_found", `there is no log at ${path}`, { cause, hint: "tenki engine start" });
  }
}

/** Whole lines as they are added, over rotations of the file too. */
export async function* followLines(path: string, from: number, signal: AbortSignal): AsyncGenerator<string> {
  let at = from;
  let rest = "";
  while (!signal.aborted) {
    const { size } = await stat(path).catch(() => ({ size: at }));
    if (size < at) at = 0; // another file has taken its place
    if (size > at) {
      rest += await readBetween(path, at, size);
      at = size;
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    } else {
      await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

async function readBetween(path: string, start: number, end: number): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}
