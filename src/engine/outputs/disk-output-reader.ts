import { type FileHandle, open } from "node:fs/promises";
import type { CommandOutput } from "../../domain/command.js";
import { TenkiError } from "../../domain/error.js";
import type { OutputReader } from "../core/ports/output-logs.js";
import { findFrame, frameHeadBytes, readBlock, readFrameHead, type Segment } from "./segment.js";

/** The segment that holds the byte at `offset` or will; undefined where it was dropped. */
export type FindSegment = (offset: number) => Segment | undefined;

/** Reads on from wherever it is, however far its writer has got meanwhile; holds one block, and one file open. */
export class DiskOutputReader implements OutputReader {
  readonly #find: FindSegment;
  /** The next byte to hand out. */
  #offset: number;
  #segment: Segment | undefined;
  #file: FileHandle | undefined;
  /** Where the block ends in the file. */
  #position = 0;
  #block: Buffer = Buffer.alloc(0);
  #kind: CommandOutput["kind"] = "stdout";
  /** What is left of the frame that is being read. */
  #left = 0;
  /** What of the first frame was not asked for. */
  #skip = 0;

  constructor(find: FindSegment, from: number) {
    this.#find = find;
    this.#offset = from;
  }

  async next(): Promise<CommandOutput | undefined> {
    for (;;) {
      const piece = this.#take();
      if (piece !== undefined) return piece;
      if (this.#left > 0 || this.#block.length < frameHeadBytes) {
        if (!(await this.#fill())) return undefined;
        continue;
      }
      this.#beginFrame();
    }
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#segment = undefined;
    await file?.close();
  }

  #take(): CommandOutput | undefined {
    const skipped = Math.min(this.#skip, this.#left, this.#block.length);
    this.#skip -= skipped;
    this.#advance(skipped);
    const data = this.#block.subarray(0, this.#left);
    if (data.length === 0) return undefined;
    this.#advance(data.length);
    this.#offset += data.length;
    return { kind: this.#kind, data };
  }

  #advance(bytes: number): void {
    this.#block = this.#block.subarray(bytes);
    this.#left -= bytes;
  }

  #beginFrame(): void {
    const head = readFrameHead(this.#block);
    if (head === undefined) throw damaged();
    this.#block = this.#block.subarray(frameHeadBytes);
    this.#kind = head.kind;
    this.#left = head.length;
  }

  /** False where there is no more for now. */
  async #fill(): Promise<boolean> {
    const segment = this.#segment;
    if (segment !== undefined && this.#file !== undefined && this.#position < segment.fileBytes) {
      const more = await readBlock(this.#file, this.#position, segment.fileBytes);
      if (more.length === 0) throw damaged();
      this.#position += more.length;
      this.#block = this.#block.length === 0 ? more : Buffer.concat([this.#block, more]);
      return true;
    }
    return this.#goOn();
  }

  /** To the segment behind this one, if there is one. */
  async #goOn(): Promise<boolean> {
    const next = this.#find(this.#offset);
    if (next === undefined) throw dropped(this.#offset);
    if (next === this.#segment) {
      if (this.#offset < next.start + next.length) throw damaged();
      return false;
    }
    await this.close();
    const file = await open(next.path).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== "ENOENT") throw cause;
      return undefined;
    });
    if (file === undefined) {
      if (next.length > 0 || this.#find(this.#offset) !== next) throw dropped(this.#offset);
      return false; // nothing was written to it so far
    }
    this.#file = file;
    const within = this.#offset - next.start;
    const found = await findFrame(file, next.fileBytes, within);
    this.#position = found.fileBytes;
    this.#skip = within - found.length;
    this.#segment = next;
    return true;
  }
}

const dropped = (offset: number): TenkiError =>
  new TenkiError("data_loss", `the output behind its first ${offset} bytes is not kept any more`);

const damaged = (): TenkiError => new TenkiError("data_loss", "the kept output is damaged");
