import { hopByHop } from "./forwarded-headers.js";
import { readHeaderLines } from "./header-lines.js";

/** A request that can be read in one way only, and has no body. */
export interface PlainRequest {
  readonly method: "GET" | "HEAD";
  readonly target: string;
  /** Names and values, one after the other. */
  readonly headers: string[];
  readonly host: string;
  readonly accept: string | undefined;
  /** Its length, the empty line counted. */
  readonly bytes: number;
}

const plainMax = 16 << 10;
const emptyLine = Buffer.from("\r\n\r\n");
const firstLine = /^(GET|HEAD) (\/[\x21-\x7e]*) HTTP\/1\.1$/;

/**
 * The request that `chunk` begins with. Undefined for whatever is not as plain as that, in part or not at all a
 * request: that is for a parser that knows all of HTTP.
 */
export function readPlainRequest(chunk: Buffer): PlainRequest | undefined {
  const end = chunk.indexOf(emptyLine);
  if (end < 0 || end > plainMax) return undefined;
  const text = chunk.toString("latin1", 0, end + 2);
  const lineEnd = text.indexOf("\r\n");
  const [, method, target] = firstLine.exec(text.slice(0, lineEnd)) ?? [];
  if ((method !== "GET" && method !== "HEAD") || target === undefined) return undefined;
  const headers = readHeaderLines(text, lineEnd + 2);
  const said = headers && hear(headers);
  if (headers === undefined || said?.host === undefined) return undefined;
  return { method, target, headers, host: said.host, accept: said.accept, bytes: end + 4 };
}

/** Undefined where a header says what only a parser that knows all of HTTP should judge. */
function hear(headers: readonly string[]): { host?: string; accept?: string } | undefined {
  const said: { host?: string; accept?: string } = {};
  for (let at = 0; at < headers.length; at += 2) {
    const name = (headers[at] ?? "").toLowerCase();
    const value = headers[at + 1] ?? "";
    if (notPlain.has(name)) return undefined;
    if (name === "connection" && value.toLowerCase() !== "keep-alive") return undefined;
    if (name === "accept") said.accept = value;
    if (name !== "host") continue;
    if (said.host !== undefined || value === "") return undefined;
    said.host = value;
  }
  return said;
}

/** `Connection` itself says no more than whether it stays. */
const notPlain: ReadonlySet<string> = new Set(
  [...hopByHop, "content-length", "expect"].filter((name) => name !== "connection"),
);
