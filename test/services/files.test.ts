import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { failureOf, ServiceBench } from "./service-bench.js";

type Session = Awaited<ReturnType<ServiceBench["running"]>>;

let bench: ServiceBench;
let session: Session;
beforeEach(async () => {
  bench = new ServiceBench();
  session = await bench.running();
});

const about = (path: string) => ({ sessionId: session.id, path });
const text = (content: Uint8Array | undefined) => Buffer.from(content ?? []).toString();

describe("files", () => {
  it("are written and read back", async () => {
    const { dataPlane } = session;
    const content = Buffer.from("hello");
    const written = await dataPlane.writeFile({ request: { ...about("a.txt"), content } });
    assert.equal(written.response?.sizeBytes, 5n);
    assert.equal(
      text((await dataPlane.readFile({ request: about("/home/tenki/a.txt") })).response?.content),
      "hello",
    );
    await dataPlane.writeFile({ request: { ...about("a.txt"), content: new Uint8Array() } });
    assert.equal(text((await dataPlane.readFile({ request: about("a.txt") })).response?.content), "");
  });

  it("are looked at, listed, made and removed", async () => {
    const { dataPlane } = session;
    await dataPlane.mkdir({ request: { ...about("d/e"), recursive: true, mode: 0o700 } });
    await dataPlane.writeFile({ request: { ...about("d/.hidden"), content: Buffer.from("abc") } });
    const stat = (await dataPlane.stat({ request: about("d/.hidden") })).response;
    assert.deepEqual([stat?.exists, stat?.size, stat?.mode, stat?.isDir], [true, 3n, 0o644, false]);
    assert.equal((await dataPlane.stat({ request: about("d/none") })).response?.exists, false);
    const names = async (includeHidden: boolean) =>
      (await dataPlane.list({ request: { ...about("d"), includeHidden } })).response?.entries.map(
        ({ name, isDir, size }) => [name, isDir, size],
      );
    assert.deepEqual(await names(false), [["e", true, 0n]]);
    assert.deepEqual(await names(true), [
      ["e", true, 0n],
      [".hidden", false, 3n],
    ]);
    const gone = (await dataPlane.remove({ request: { ...about("d"), recursive: true } })).response;
    assert.deepEqual([gone?.removed, gone?.entriesRemoved], [true, 3n]);
    const again = (await dataPlane.remove({ request: { ...about("d"), recursive: true } })).response;
    assert.deepEqual([again?.removed, again?.entriesRemoved], [false, 0n]);
  });

  it("that are missing, outside, or no file are refused by kind and word", async () => {
    const { dataPlane } = session;
    const missing = await failureOf(dataPlane.readFile({ request: about("none") }));
    assert.equal(missing.code, Code.NotFound);
    assert.match(missing.rawMessage, /no such file or directory/);
    const late = await failureOf(readStream({ path: "none" }));
    assert.match(late.rawMessage, /no such file or directory/);
    for (const path of ["/etc/passwd", "../../etc/passwd"]) {
      assert.equal(
        (await failureOf(dataPlane.readFile({ request: about(path) }))).code,
        Code.PermissionDenied,
      );
    }
  });

  it("too large for one message are refused, and the call that carries them named", async () => {
    const { dataPlane } = session;
    const content = Buffer.alloc((60 << 20) + 1);
    const write = await failureOf(dataPlane.writeFile({ request: { ...about("big"), content } }));
    assert.equal(write.code, Code.OutOfRange);
    assert.match(write.rawMessage, /WriteFile carries at most 60 MiB: use WriteFileStream/);
    await upload({ path: "big", truncate: true }, [content]);
    const read = await failureOf(dataPlane.readFile({ request: about("big") }));
    assert.match(read.rawMessage, /ReadFile carries at most 60 MiB: use ReadFileStream/);
  });
});

describe("file streams", () => {
  it("carry a file up in pieces, and down", async () => {
    const parts = [Buffer.alloc(100_000, "a"), Buffer.alloc(1), Buffer.alloc(200_000, "b")];
    assert.equal(await upload({ path: "f", truncate: true, mode: 0o600 }, parts), 300_001n);
    assert.equal((await session.dataPlane.stat({ request: about("f") })).response?.mode, 0o600);
    const whole = await readStream({ path: "f" });
    assert.ok(whole.content.equals(Buffer.concat(parts)));
    assert.deepEqual([whole.eof, whole.totalSize], [1, 300_001n]);
  });

  it("append where the file is not to be cut", async () => {
    await upload({ path: "f", truncate: true }, [Buffer.from("one ")]);
    await upload({ path: "f", truncate: false }, [Buffer.from("two")]);
    assert.equal((await readStream({ path: "f" })).content.toString(), "one two");
  });

  it("carry a part in pieces of the size asked for", async () => {
    await upload({ path: "f", truncate: true }, [Buffer.from("0123456789")]);
    const { content, sizes, totalSize } = await readStream({
      path: "f",
      offset: 2n,
      length: 5n,
      chunkBytes: 2,
    });
    assert.deepEqual([content.toString(), sizes, totalSize], ["23456", [2, 2, 1, 0], 10n]);
  });

  it("of an empty file are an end", async () => {
    await upload({ path: "empty", truncate: true }, []);
    assert.deepEqual((await readStream({ path: "empty" })).sizes, [0]);
  });

  it("with a negative place, or a mode that is none, are refused", async () => {
    await upload({ path: "f", truncate: true }, [Buffer.from("x")]);
    for (const range of [{ offset: -1n }, { length: -1n }]) {
      assert.equal((await failureOf(readStream({ path: "f", ...range }))).code, Code.InvalidArgument);
    }
    assert.equal((await failureOf(upload({ path: "f", mode: 0o10000 }, []))).code, Code.InvalidArgument);
  });

  it("that do not begin with a start, or begin twice, are refused, and the file stays", async () => {
    await upload({ path: "f", truncate: true }, [Buffer.from("kept")]);
    const { dataPlane } = session;
    const start = { case: "start" as const, value: { ...about("f"), truncate: true } };
    const data = { case: "data" as const, value: Buffer.from("lost") };
    const sent = (...payloads: (typeof start | typeof data)[]) =>
      failureOf(
        dataPlane.writeFileStream(
          (async function* () {
            for (const payload of payloads) yield { frame: { payload } };
          })(),
        ),
      );
    assert.equal((await sent(start, data, start)).code, Code.InvalidArgument);
    assert.equal((await sent(data)).code, Code.InvalidArgument);
    assert.equal(
      (await failureOf(dataPlane.writeFileStream((async function* () {})()))).code,
      Code.InvalidArgument,
    );
    assert.equal((await readStream({ path: "f" })).content.toString(), "kept");
  });
});

interface Upload {
  readonly path: string;
  readonly mode?: number;
  readonly truncate?: boolean;
}

async function upload(start: Upload, parts: readonly Uint8Array[]): Promise<bigint | undefined> {
  async function* frames() {
    yield { frame: { payload: { case: "start" as const, value: { ...start, sessionId: session.id } } } };
    for (const value of parts) yield { frame: { payload: { case: "data" as const, value } } };
  }
  return (await session.dataPlane.writeFileStream(frames())).response?.bytesWritten;
}

interface Range {
  readonly path: string;
  readonly offset?: bigint;
  readonly length?: bigint;
  readonly chunkBytes?: number;
}

async function readStream(range: Range) {
  const parts: Uint8Array[] = [];
  let eof = 0;
  let totalSize = -1n;
  for await (const { response } of session.dataPlane.readFileStream({
    request: { ...range, sessionId: session.id },
  })) {
    parts.push(response?.data ?? new Uint8Array());
    if (response?.eof === true) eof += 1;
    totalSize = response?.totalSize ?? -1n;
  }
  return { content: Buffer.concat(parts), sizes: parts.map(({ length }) => length), eof, totalSize };
}
