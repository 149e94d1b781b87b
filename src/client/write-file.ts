import type { MessageInitShape } from "@bufbuild/protobuf";
import type { SandboxSessionDataPlaneServiceWriteFileStreamRequestSchema as MessageSchema } from "../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { DataPlane } from "./data-plane.js";
import { SandboxError } from "./errors.js";
import type { WriteStreamOptions } from "./options/files.js";
import { Rewindable } from "./rewindable.js";

export type ByteSource = Iterable<Uint8Array> | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>;

const largestMessageBytes = 256 * 1024;

/**
 * Writes a file from a source of any length, at the sandbox's pace. A source that fails leaves
 * the file as it was. Resolves with the number of bytes.
 */
export async function writeFileStream(
  dataPlane: DataPlane,
  path: string,
  source: ByteSource,
  options: WriteStreamOptions = {},
): Promise<number> {
  const content = new Rewindable(source);
  const start = {
    sessionId: dataPlane.sessionId,
    path,
    mode: options.mode ?? 0,
    truncate: options.truncate ?? true,
    sync: options.sync ?? false,
  };
  try {
    const written = await dataPlane.upload(
      `the writing of ${path}`,
      (at, call) => at.dataPlane.writeFileStream(messages(start, content), call),
      { signal: options.signal, mayRepeat: () => content.canRewind() },
    );
    const bytes = Number(written.response?.bytesWritten ?? 0n);
    if (bytes === content.bytesRead) return bytes;
    throw new SandboxError("data_loss", `${path}: ${bytes} bytes were written of ${content.bytesRead}`);
  } catch (error) {
    throw content.failure ?? error;
  } finally {
    await content.release();
  }
}

type Start = Extract<
  NonNullable<MessageInitShape<typeof MessageSchema>["frame"]>["payload"],
  { case: "start" }
>["value"];

async function* messages(
  start: Start,
  content: Rewindable,
): AsyncGenerator<MessageInitShape<typeof MessageSchema>, void, undefined> {
  yield { frame: { payload: { case: "start", value: start } } };
  for await (const chunk of content.read()) {
    for (let sent = 0; sent < chunk.length; sent += largestMessageBytes) {
      yield { frame: { payload: { case: "data", value: chunk.subarray(sent, sent + largestMessageBytes) } } };
    }
  }
}
