import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DetachKeys } from "../../src/cli/exec/detach-keys.js";
import { lastLines } from "../../src/cli/exec/last-lines.js";
import { Utf8Pieces } from "../../src/cli/exec/utf8-pieces.js";
import { detachKeys, signalName } from "../../src/cli/flags/parsers/executions.js";
import type { CommandOutput } from "../../src/domain/command.js";

async function* output(...pieces: readonly string[]): AsyncGenerator<CommandOutput, void, undefined> {
  for (const [at, piece] of pieces.entries())
    yield { kind: at % 2 === 0 ? "stdout" : "stderr", data: Buffer.from(piece) };
}

describe("the last lines of an output", () => {
  const cases: readonly (readonly [readonly string[], number, string])[] = [
    [["a\nb\nc\n"], 2, "b\nc\n"],
    [["a\nb\nc"], 2, "b\nc"],
    [["a\n", "b\n", "c\n"], 1, "c\n"],
    [["a\nb", "c\nd\n"], 2, "bc\nd\n"],
    [["a\nb\n"], 5, "a\nb\n"],
    [["a\n\n\n"], 2, "\n\n"],
    [["a\n", "b"], 0, ""],
    [[], 3, ""],
  ];
  for (const [pieces, count, expected] of cases) {
    it(`are ${JSON.stringify(expected)} of ${JSON.stringify(pieces)}, by ${count}`, async () => {
      const kept = await lastLines(output(...pieces), count);
      assert.equal(Buffer.concat(kept.map(({ data }) => data)).toString(), expected);
    });
  }

  it("stay of the stream that they were written to", async () => {
    const kept = await lastLines(output("1\n", "2\n", "3\n"), 2);
    assert.deepEqual(
      kept.map(({ kind, data }) => `${kind} ${Buffer.from(data).toString()}`),
      ["stderr 2\n", "stdout 3\n"],
    );
  });
});

describe("the keys that leave a terminal", () => {
  const typed = (keys: string, ...words: readonly string[]) => {
    const reader = new DetachKeys(detachKeys.read(keys) ?? assert.fail(keys));
    const read = words.map((word) => reader.read(Buffer.from(word)));
    return [read.map(({ pass }) => Buffer.from(pass).toString()).join(""), read.some(({ leaves }) => leaves)];
  };

  it("leave, in one piece or two, and what is typed before them is passed on", () => {
    assert.deepEqual(typed("ctrl-p,ctrl-q", "ls\r\x10\x11more"), ["ls\r", true]);
    assert.deepEqual(typed("ctrl-p,ctrl-q", "ls\r\x10", "\x11"), ["ls\r", true]);
    assert.deepEqual(typed("ctrl-p,ctrl-q", "\x10\x10\x11"), ["\x10", true]);
    assert.deepEqual(typed("ctrl-a,a,b", "\x01ab"), ["", true]);
  });

  it("are passed on where it was something else, or there are none", () => {
    assert.deepEqual(typed("ctrl-p,ctrl-q", "\x10x"), ["\x10x", false]);
    assert.deepEqual(typed("ctrl-p,ctrl-q", "\x10", "x\x11"), ["\x10x\x11", false]);
    assert.deepEqual(typed("", "\x10\x11"), ["\x10\x11", false]);
  });

  it("are read as docker names them", () => {
    assert.deepEqual(detachKeys.read("ctrl-@,ctrl-[,x"), Uint8Array.of(0, 27, 120));
    assert.equal(detachKeys.read("ctrl-1"), undefined);
    assert.equal(detachKeys.read("strg-p"), undefined);
  });
});

describe("text in pieces", () => {
  it("has no character in two of them", () => {
    const pieces = new Utf8Pieces();
    const bytes = Buffer.from("aé€😀z");
    const out = [...bytes].map((byte) => pieces.next(Uint8Array.of(byte)).toString("utf8"));
    assert.deepEqual(
      out.filter((text) => text !== ""),
      ["a", "é", "€", "😀", "z"],
    );
    assert.equal(pieces.end().length, 0);
  });

  it("passes what is none as it is, and what was not finished at the end", () => {
    const pieces = new Utf8Pieces();
    assert.deepEqual(pieces.next(Uint8Array.of(0xff, 0x80, 0x41)), Buffer.from([0xff, 0x80, 0x41]));
    assert.deepEqual(pieces.next(Uint8Array.of(0x42, 0xe2, 0x82)), Buffer.from([0x42]));
    assert.deepEqual(pieces.end(), Buffer.from([0xe2, 0x82]));
    assert.deepEqual(new Utf8Pieces().next(Uint8Array.of(0x61, 0xff)), Buffer.from([0x61, 0xff]));
  });
});

describe("a signal's name", () => {
  it("is read with SIG and without, small and large", () => {
    assert.deepEqual(
      ["TERM", "sigint", "SIGRTMIN+1"].map((word) => signalName.read(word)),
      ["TERM", "INT", "RTMIN+1"],
    );
    assert.equal(signalName.read("9"), undefined);
  });
});
