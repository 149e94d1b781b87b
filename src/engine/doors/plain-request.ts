import { hopByHop } from "./forwarded-headers.js";
import { readHeaderLines } from "./header-lines.js";

/** A request that can be read in one way only, and has no body. */
export interface PlainRequest {
  readonly method: "GET" | "HEAD";
  readonly target: string;
  readonly said: PlainHeaders;
  /** Its length, the empty line counted. */
  readonly bytes: number;
}

export interface PlainHeaders {
  /** As they came, each with its line end. */
  readonly lines: string;
  /** Names and values, one after the other. */
  readonly headers: readonly string[];
  readonly host: string;
  readonly accept: string | undefined;
}

const plainMax = 16 << 10;
const lineEnd = Buffer.from("\r\n");
const emptyLine = Buffer.from("\r\n\r\n");
const firstLine = /^(GET|HEAD) (\/[\x21-\x7e]*) HTTP\/1\.1$/;

/**
 * The request that `chunk` begins with. Undefined for whatever is not as plain as that, in part or not at all a
 * request: that is for a parser that knows all of HTTP. Most visitors say the same headers each time: what was made
 * of them `before` serves again where every byte is the same.
 */
export function readPlainRequest(chunk: Buffer, before?: PlainHeaders): PlainRequest | undefined {
  const end = chunk.indexOf(emptyLine);
  if (end < 0 || end > plainMax) return undefined;
  const start = chunk.indexOf(lineEnd);
  const [, method, target] = firstLine.exec(chunk.toString("latin1", 0, start)) ?? [];
  if ((method !== "GET" && method !== "HEAD") || target === undefined) return undefined;
  const lines = chunk.toString("latin1", start + 2, end + 2);
  const said = before?.lines === lines ? before : readPlainHeaders(lines);
  return said && { method, target, said, bytes: end + 4 };
}

function readPlainHeaders(lines: string): PlainHeaders | undefined {
  const headers = readHeaderLines(lines, 0);
  const said = headers && hear(headers);
  if (headers === undefined || said?.host === undefined) return undefined;
  return { lines, headers, host: said.host, accept: said.accept };
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
