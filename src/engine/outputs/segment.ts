import type { FileHandle } from "node:fs/promises";
import type { CommandOutput } from "../../domain/command.js";

/** A file of frames, one after the other: kind, length, bytes. Named by the output's offset that it begins with. */
export interface Segment {
  readonly path: string;
  /** Which byte of the output its first one is. */
  readonly start: number;
  /** How much output it holds. */
  length: number;
  /** How much of the file counts: whole frames only. */
  fileBytes: number;
}

export const frameHeadBytes = 5;
const kinds = ["stdout", "stderr"] as const;
const blockBytes = 64 << 10;

/** As many digits as the largest offset has, so that names sort as numbers do. */
export const segmentName = (start: number): string => String(start).padStart(16, "0");

export const startOf = (name: string): number | undefined =>
  /^\d{16}$/.test(name) ? Number(name) : undefined;

export function encodeFrame({ kind, data }: CommandOutput): Buffer {
  const frame = Buffer.allocUnsafe(frameHeadBytes + data.length);
  frame.writeUInt8(kinds.indexOf(kind) + 1, 0);
  frame.writeUInt32LE(data.length, 1);
  frame.set(data, frameHeadBytes);
  return frame;
}

/** Undefined where no frame begins there. */
export function readFrameHead(head: Buffer): { kind: CommandOutput["kind"]; length: number } | undefined {
  const kind = kinds[head.readUInt8(0) - 1];
  return kind && { kind, length: head.readUInt32LE(1) };
}

/** Where the last whole frame ends that holds nothing behind `output` bytes; what a crash tore ends the search, too. */
export async function findFrame(
  file: FileHandle,
  fileBytes: number,
  output: number,
): Promise<{ readonly fileBytes: number; readonly length: number }> {
  let block: Buffer = Buffer.alloc(0);
  let blockAt = 0;
  for (let at = 0, length = 0; ;) {
    if (at + frameHeadBytes > blockAt + block.length) {
      block = await readBlock(file, at, fileBytes);
      blockAt = at;
    }
    const whole = block.length - (at - blockAt) >= frameHeadBytes;
    const head = whole ? readFrameHead(block.subarray(at - blockAt)) : undefined;
    const next = at + frameHeadBytes + (head?.length ?? 0);
    if (head === undefined || next > fileBytes || length + head.length > output) {
      return { fileBytes: at, length };
    }
    at = next;
    length += head.length;
  }
}

/** What lies at `position`, up to 64 KiB and up to `end`. */
export async function readBlock(file: FileHandle, position: number, end: number): Promise<Buffer> {
  const wanted = Math.max(Math.min(end - position, blockBytes), 0);
  const block = Buffer.allocUnsafeSlow(wanted);
  const { bytesRead } = await file.read(block, 0, wanted, position);
  return block.subarray(0, bytesRead);
}
