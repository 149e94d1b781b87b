import type { OutputStream } from "../io.js";
import { localFileError } from "../local-file-error.js";

/** Nobody reads what we write any more: the end, and no failure. */
export class OutputClosedError extends Error {
  override readonly name = "OutputClosedError";
}

/** Resolves when the stream has room for more; a reader that is slow slows the writer. */
export function writeBytes(stream: OutputStream, data: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (stream.destroyed || stream.writableEnded) return reject(new OutputClosedError());
    stream.write(data, (error) => {
      if (error === null || error === undefined) return resolve();
      reject(
        isClosed(error)
          ? new OutputClosedError("the output is closed", { cause: error })
          : localFileError("the output", error),
      );
    });
  });
}

const isClosed = (error: Error): boolean =>
  ["EPIPE", "ECONNRESET", "ERR_STREAM_DESTROYED", "EIO"].includes(
    (error as NodeJS.ErrnoException).code ?? "",
  );
