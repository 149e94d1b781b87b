import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { CommandOutput } from "../../domain/command.js";
import { TenkiError } from "../../domain/error.js";
import type { OutputLog, OutputReader } from "../core/ports/output-logs.js";
import { DiskOutputReader } from "./disk-output-reader.js";
import { encodeFrame, findFrame, type Segment, segmentName, startOf } from "./segment.js";

export interface LogBounds {
  /** A segment that has reached it is followed by another. */
  readonly segmentBytes: number;
  /** Behind so many, the oldest is dropped. */
  readonly segments: number;
}

/** Output in a directory of its own. What was appended survives this process, not a loss of power. */
export class DiskOutputLog implements OutputLog {
  readonly #directory: string;
  readonly #bounds: LogBounds;
  /** The oldest first; never empty. */
  readonly #segments: Segment[];
  #file: FileHandle | undefined;

  static async open(directory: string, bounds: LogBounds): Promise<DiskOutputLog> {
    return keeping(directory, async () => {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      return new DiskOutputLog(directory, bounds, await readSegments(directory));
    });
  }

  private constructor(directory: string, bounds: LogBounds, segments: Segment[]) {
    this.#directory = directory;
    this.#bounds = bounds;
    this.#segments = segments.length > 0 ? segments : [newSegment(directory, 0)];
  }

  get keptFrom(): number {
    return this.#segments[0]?.start ?? 0;
  }

  get end(): number {
    const { start, length } = this.#last;
    return start + length;
  }

  async append(piece: CommandOutput): Promise<void> {
    if (piece.data.length === 0) return;
    await keeping(this.#directory, async () => {
      if (this.#last.fileBytes >= this.#bounds.segmentBytes) await this.#rotate();
      const segment = this.#last;
      this.#file ??= await open(segment.path, constants.O_WRONLY | constants.O_CREAT, 0o600);
      const frame = encodeFrame(piece);
      // What an attempt that failed left behind is written over by the next.
      await writeAt(this.#file, frame, segment.fileBytes);
      segment.fileBytes += frame.length;
      segment.length += piece.data.length;
    });
  }

  read(from: number): OutputReader {
    return new DiskOutputReader((offset) => this.#segmentAt(offset), from);
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #rotate(): Promise<void> {
    await this.close();
    this.#segments.push(newSegment(this.#directory, this.end));
    while (this.#segments.length > this.#bounds.segments) {
      const oldest = this.#segments.shift();
      if (oldest !== undefined) await rm(oldest.path, { force: true });
    }
  }

  /** The last one begins where the one before it ends: whoever is there goes on to it. */
  #segmentAt(offset: number): Segment | undefined {
    return this.#segments.findLast(({ start }) => start <= offset);
  }

  get #last(): Segment {
    const last = this.#segments.at(-1);
    if (last === undefined) throw new RangeError("a log has a segment at all times");
    return last;
  }
}

const newSegment = (directory: string, start: number): Segment => ({
  path: join(directory, segmentName(start)),
  start,
  length: 0,
  fileBytes: 0,
});

async function readSegments(directory: string): Promise<Segment[]> {
  const starts = (await readdir(directory)).flatMap((name) => startOf(name) ?? []).sort((a, b) => a - b);
  const reading = starts.map((start, at) => readSegment(newSegment(directory, start), starts[at + 1]));
  return Promise.all(reading);
}

/** All but the last are whole: the next was begun behind them. */
async function readSegment(segment: Segment, nextStart: number | undefined): Promise<Segment> {
  if (nextStart !== undefined) {
    const { size } = await stat(segment.path);
    return { ...segment, fileBytes: size, length: nextStart - segment.start };
  }
  const file = await open(segment.path);
  try {
    return { ...segment, ...(await findFrame(file, (await file.stat()).size, Infinity)) };
  } finally {
    await file.close();
  }
}

async function writeAt(file: FileHandle, data: Buffer, position: number): Promise<void> {
  for (let done = 0; done < data.length;) {
    const { bytesWritten } = await file.write(data, done, data.length - done, position + done);
    done += bytesWritten;
  }
}

async function keeping<T>(directory: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOSPC" || code === "EDQUOT") {
      throw new TenkiError("resource_exhausted", `no space left to keep output in ${directory}`, { cause });
    }
    throw new TenkiError("internal", `cannot keep output in ${directory}: ${message}`, { cause });
  }
}
