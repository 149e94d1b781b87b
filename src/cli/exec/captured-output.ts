import { isUtf8 } from "node:buffer";
import { TenkiError } from "../../domain/error.js";
import type { Fields } from "../output/view.js";

/** What fits into one text of a JSON document, with room to spare. */
const maxBytes = 256 * 2 ** 20;

/** A command's outputs, kept for one JSON object. */
export class CapturedOutput {
  readonly #chunks: Record<"stdout" | "stderr", Uint8Array[]> = { stdout: [], stderr: [] };
  #size = 0;

  add(kind: "stdout" | "stderr", data: Uint8Array): void {
    this.#size += data.length;
    if (this.#size > maxBytes) {
      throw new TenkiError(
        "resource_exhausted",
        "the output is larger than 256 MiB, too much for one JSON object",
        {
          hint: "leave --json out: the output is streamed then",
        },
      );
    }
    this.#chunks[kind].push(data);
  }

  fields(): Fields {
    return encodeTexts({
      stdout: Buffer.concat(this.#chunks.stdout),
      stderr: Buffer.concat(this.#chunks.stderr),
    });
  }
}

/** Bytes as text; where one of them is not UTF-8, all of them as base64, and `encoding` says so. */
export function encodeTexts(texts: Readonly<Record<string, Buffer>>): Fields {
  const entries = Object.entries(texts);
  const encoding = entries.every(([, bytes]) => isUtf8(bytes)) ? "utf8" : "base64";
  const encoded = Object.fromEntries(entries.map(([key, bytes]) => [key, bytes.toString(encoding)]));
  return encoding === "utf8" ? encoded : { ...encoded, encoding };
}
