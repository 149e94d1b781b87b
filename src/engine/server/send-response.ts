import type { Http2ServerResponse } from "node:http2";
import type { ServerResponse } from "node:http";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import type { Frame } from "./byte-frames.js";
import type { FramedResponse } from "./lean-streams.js";

export type NodeResponse = ServerResponse | Http2ServerResponse;

/** How much may wait to be sent before the producer is held back. */
const sendBufferBytes = 1 << 20;

/** Writes a response, as fast as the other side reads it. When the other side goes away the body is let go of. */
export async function sendResponse(
  response: UniversalServerResponse | FramedResponse,
  target: NodeResponse,
): Promise<void> {
  const gone = whenGone(target);
  const body = response.body?.[Symbol.asyncIterator]();
  try {
    // The first piece before the headers: until then the method may still set some.
    let next = await body?.next();
    target.writeHead(response.status, headerLines(response.header));
    for (; next !== undefined && next.done !== true; next = await body?.next()) {
      if (gone.signal.aborted) return;
      write(target, next.value);
      if (writable(target).writableLength > sendBufferBytes) await drained(target, gone.signal);
    }
    if (response.trailer !== undefined) target.addTrailers(headerLines(response.trailer));
    target.end();
  } finally {
    await body?.return?.();
  }
}

/** On HTTP/2 the object at hand only stands for the stream, and knows nothing of what waits in it. */
const writable = (target: NodeResponse) => ("stream" in target ? target.stream : target);

function write(target: NodeResponse, piece: Uint8Array | Frame): void {
  const stream = writable(target);
  if (piece instanceof Uint8Array) {
    stream.write(piece);
    return;
  }
  stream.cork();
  for (const part of piece) stream.write(part);
  stream.uncork();
}

function whenGone(target: NodeResponse): AbortController {
  const gone = new AbortController();
  const stream = writable(target);
  stream.once("close", () => gone.abort());
  stream.on("error", () => gone.abort()); // what was sent in vain is no failure of ours
  return gone;
}

function drained(target: NodeResponse, gone: AbortSignal): Promise<void> {
  const stream = writable(target);
  return new Promise((resolve) => {
    const settle = () => {
      stream.off("drain", settle);
      gone.removeEventListener("abort", settle);
      resolve();
    };
    stream.once("drain", settle);
    gone.addEventListener("abort", settle);
    if (gone.aborted) settle();
  });
}

function headerLines(headers: Headers | undefined): Record<string, string | string[]> {
  const lines: Record<string, string | string[]> = {};
  headers?.forEach((value, name) => {
    if (name !== "set-cookie") lines[name] = value;
  });
  return lines;
}
