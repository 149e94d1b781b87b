import assert from "node:assert/strict";
import { Duplex, PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { type Frame, readFrames, writeFrame } from "../../src/lib/frames.js";

const rules = { maxBytes: 1 << 20, inPieces: new Set([1]) };

async function written(...frames: readonly (readonly [kind: number, payload: string])[]): Promise<Buffer> {
  const stream = new PassThrough();
  for (const [kind, payload] of frames) await writeFrame(stream, kind, Buffer.from(payload));
  return stream.read() as Buffer;
}

async function read(chunks: readonly Buffer[]): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of readFrames(Duplex.from(chunks), rules)) frames.push(frame);
  return frames;
}

const texts = (frames: readonly Frame[]) => frames.map(({ kind, payload }) => [kind, payload.toString()]);

describe("frames", () => {
  it("come out as they went in, however the bytes were cut on the way", async () => {
    const bytes = await written([0, "one"], [2, ""], [0, "three"]);
    for (const size of [1, 2, 3, 5, 7, bytes.length]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
        bytes.subarray(at * size, (at + 1) * size),
      );
      assert.deepEqual(texts(await read(chunks)), [
        [0, "one"],
        [2, ""],
        [0, "three"],
      ]);
    }
  });

  it("are handed out in pieces where their kind is, before they are whole", async () => {
    const bytes = await written([1, "abcdef"], [0, "x"]);
    assert.deepEqual(texts(await read([bytes.subarray(0, 8), bytes.subarray(8)])), [
      [1, "abc"],
      [1, "def"],
      [0, "x"],
    ]);
  });

  it("are refused where they are too large, before they are there", async () => {
    const head = Buffer.from([0, 0xff, 0xff, 0xff, 0xff]);
    await assert.rejects(read([head]), /a frame of 4294967295 bytes is too large/);
  });

  it("that break off in the middle are no end", async () => {
    const bytes = await written([0, "whole"], [1, "half"]);
    for (const cut of [1, 4, 6]) {
      await assert.rejects(read([bytes.subarray(0, -cut)]), /ended within a frame/);
    }
  });

  it("hold their writer back while nobody reads", async () => {
    const stream = new PassThrough({ highWaterMark: 16 });
    let isWritten = false;
    const writing = writeFrame(stream, 0, Buffer.alloc(64)).then(() => (isWritten = true));
    await new Promise(setImmediate);
    assert.equal(isWritten, false);
    stream.resume();
    await writing;
  });
});
