import { TenkiError } from "../domain/error.js";
import type { InputStream } from "./io.js";

/** All of a short stdin as text, without white space at its ends. */
export async function readStdinText(stdin: InputStream, maxBytes = 1 << 20): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk as Uint8Array));
    size += chunks.at(-1)?.length ?? 0;
    if (size > maxBytes) throw new TenkiError("usage", `stdin holds more than ${maxBytes} bytes`);
  }
  return Buffer.concat(chunks).toString("utf8").trim();
}
