import type { OpenFrame } from "../../lib/relay-process.js";
import { type BodyFraming, malformed } from "./answer-head.js";
import { readHeaderLines } from "./header-lines.js";

/** Takes a body out of its framing, piece by piece. */
export interface BodyReader {
  /** Hands on what belongs to the body; once that has ended, how many bytes of the chunk come behind it. */
  read(chunk: Buffer, use: (piece: Buffer) => void): number | undefined;
  /** The connection ends: whether the body is whole. */
  readonly isWhole: boolean;
  /** So much is to come, or has come, that another process had better pass it on. */
  readonly isLarge: boolean;
  /** What is begun of it, in the words of `tenki-guest body`; undefined where nobody else could go on. */
  readonly open: OpenFrame | undefined;
  /** Somebody else has passed on so much of it, and no chunk is open any more. */
  skip(bytes: number): void;
}

/** Far more than it costs to start a process. */
const largeBytes = 8 << 20;
const frameMax = 0xffff_ffff;
const kinds = { length: 0, chunked: 1 } as const;

export function createBodyReader(framing: BodyFraming): BodyReader {
  if (framing.kind === "chunked") return new ChunkedBody();
  if (framing.kind === "rest") return { isWhole: true, isLarge: false, open: undefined, read: readAll, skip };
  return new MeasuredBody(framing.kind === "length" ? framing.bytes : 0);
}

function readAll(chunk: Buffer, use: (piece: Buffer) => void): undefined {
  use(chunk);
}

function skip(): void {
  throw new Error("nobody can tell how far it is");
}

class MeasuredBody implements BodyReader {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  get isWhole(): boolean {
    return this.#left === 0;
  }

  get isLarge(): boolean {
    return this.#left >= largeBytes;
  }

  get open(): OpenFrame {
    return { kind: kinds.length, left: Math.min(this.#left, frameMax) };
  }

  skip(bytes: number): void {
    this.#left -= bytes;
  }

  read(chunk: Buffer, use: (piece: Buffer) => void): number | undefined {
    const piece = chunk.subarray(0, this.#left);
    this.#left -= piece.length;
    if (piece.length > 0) use(piece);
    return this.#left === 0 ? chunk.length - piece.length : undefined;
  }
}

/** A line of a chunk's size, or all trailers. */
const lineMax = 8 << 10;

class ChunkedBody implements BodyReader {
  /** `after`: the line end behind a chunk's bytes. */
  #at: "size" | "bytes" | "after" | "trailers" | "end" = "size";
  #left = 0;
  #line = "";
  #trailers = 0;
  /** So many bytes have come since somebody else had a turn. */
  #read = 0;

  get isWhole(): boolean {
    return this.#at === "end";
  }

  get isLarge(): boolean {
    return this.#read >= largeBytes;
  }

  get open(): OpenFrame | undefined {
    if (this.#at === "bytes" && this.#left <= frameMax) return { kind: kinds.chunked, left: this.#left };
    return this.#at === "size" && this.#line === "" ? { kind: kinds.chunked, left: 0 } : undefined;
  }

  skip(): void {
    this.#at = "size";
    this.#left = this.#read = 0;
  }

  read(chunk: Buffer, use: (piece: Buffer) => void): number | undefined {
    let at = 0;
    while (at < chunk.length && this.#at !== "end") {
      if (this.#at === "bytes") {
        const piece = chunk.subarray(at, at + this.#left);
        at += piece.length;
        this.#left -= piece.length;
        this.#read += piece.length;
        use(piece);
        if (this.#left === 0) this.#at = "after";
      } else at = this.#readLine(chunk, at);
    }
    return this.#at === "end" ? chunk.length - at : undefined;
  }

  #readLine(chunk: Buffer, from: number): number {
    const end = chunk.indexOf(10, from);
    this.#line += chunk.toString("latin1", from, end < 0 ? chunk.length : end);
    if (this.#line.length > lineMax) throw malformed("a chunk");
    if (end < 0) return chunk.length;
    const line = this.#line;
    this.#line = "";
    if (!line.endsWith("\r")) throw malformed("a chunk");
    this.#takeLine(line.slice(0, -1));
    return end + 1;
  }

  #takeLine(line: string): void {
    if (this.#at === "size") {
      const [, digits] = /^([0-9A-Fa-f]{1,12})(?:[\t ]*;.*)?$/.exec(line) ?? [];
      if (digits === undefined) throw malformed("a chunk");
      this.#left = Number.parseInt(digits, 16);
      this.#at = this.#left === 0 ? "trailers" : "bytes";
    } else if (this.#at === "after") {
      if (line !== "") throw malformed("a chunk");
      this.#at = "size";
    } else if (line === "") this.#at = "end";
    else this.#dropTrailer(line);
  }

  #dropTrailer(line: string): void {
    this.#trailers += line.length;
    if (this.#trailers > lineMax || readHeaderLines(`${line}\r\n`, 0) === undefined)
      throw malformed("a trailer");
  }
}
