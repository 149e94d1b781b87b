import type { Duplex } from "node:stream";
import type { ProxyRequest } from "./entrance.js";
import { isChunked } from "./request-head.js";

/** Passes a request's body on, as fast as it is taken; the returned function tells whether all of it went. */
export function sendBody(request: ProxyRequest, inside: Duplex): () => boolean {
  const chunked = isChunked(request);
  let isSent = false;
  const resume = () => void request.resume();
  request.on("data", (chunk: Buffer) => {
    if (inside.destroyed) return; // the answer came without it: the rest is for nobody
    if (chunked) inside.cork();
    if (chunked) inside.write(`${chunk.length.toString(16)}\r\n`, "latin1");
    let more = inside.write(chunk);
    if (chunked) more = inside.write("\r\n", "latin1");
    if (chunked) inside.uncork();
    if (!more) request.pause();
  });
  request.once("end", () => {
    isSent = true;
    if (chunked && !inside.destroyed) inside.write("0\r\n\r\n", "latin1");
  });
  inside.on("drain", resume);
  inside.once("close", resume);
  request.once("close", () => inside.off("drain", resume).off("close", resume));
  return () => isSent;
}
