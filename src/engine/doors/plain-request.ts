import type { BodyFraming } from "./answer-head.js";
import { hopByHop } from "./forwarded-headers.js";
import { readHeaderLines } from "./header-lines.js";

/** A request that can be read in one way only. */
export interface PlainRequest {
  readonly method: string;
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
  /** Undefined: nothing is said of a body, and there is none. */
  readonly body: RequestFraming | undefined;
  /** The body is held back until somebody asks for it. */
  readonly isHeldBack: boolean;
}

export type RequestFraming = Extract<BodyFraming, { readonly kind: "length" | "chunked" }>;

const plainMax = 16 << 10;
const lineEnd = Buffer.from("\r\n");
const emptyLine = Buffer.from("\r\n\r\n");
const firstLine = /^(GET|HEAD|POST|PUT|PATCH|DELETE) (\/[\x21-\x7e]*) HTTP\/1\.1$/;

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
  if (method === undefined || target === undefined) return undefined;
  const lines = chunk.toString("latin1", start + 2, end + 2);
  const said = before?.lines === lines ? before : readPlainHeaders(lines);
  if (said === undefined || changesNothing(method) !== (said.body === undefined)) return undefined;
  return { method, target, said, bytes: end + 4 };
}

/** Of these a body would be odd; of the others it would be odd to say nothing of one. */
export const changesNothing = (method: string): boolean => method === "GET" || method === "HEAD";

function readPlainHeaders(lines: string): PlainHeaders | undefined {
  const headers = readHeaderLines(lines, 0);
  const said = headers && hear(headers);
  if (headers === undefined || said?.host === undefined) return undefined;
  const { host, accept, body, isHeldBack = false } = said;
  return isHeldBack && body === undefined ? undefined : { lines, headers, host, accept, body, isHeldBack };
}

type Heard = { -readonly [Name in "host" | "accept" | "body" | "isHeldBack"]?: PlainHeaders[Name] };

/** Undefined where a header says what only a parser that knows all of HTTP should judge. */
function hear(headers: readonly string[]): Heard | undefined {
  const said: Heard = {};
  for (let at = 0; at < headers.length; at += 2) {
    const name = (headers[at] ?? "").toLowerCase();
    const value = headers[at + 1] ?? "";
    if (notPlain.has(name)) return undefined;
    if (name === "connection" && value.toLowerCase() !== "keep-alive") return undefined;
    if (name === "accept") said.accept = value;
    if (name === "expect") {
      if (value.toLowerCase() !== "100-continue") return undefined;
      said.isHeldBack = true;
    }
    if (name === "content-length" || name === "transfer-encoding") {
      if (said.body !== undefined) return undefined;
      said.body = framingOf(name, value);
      if (said.body === undefined) return undefined;
    }
    if (name !== "host") continue;
    if (said.host !== undefined || value === "") return undefined;
    said.host = value;
  }
  return said;
}

function framingOf(name: "content-length" | "transfer-encoding", value: string): RequestFraming | undefined {
  if (name === "transfer-encoding")
    return value.toLowerCase() === "chunked" ? { kind: "chunked" } : undefined;
  return /^\d{1,15}$/.test(value) ? { kind: "length", bytes: Number(value) } : undefined;
}

/** `Connection` itself says no more than whether it stays. */
const notPlain: ReadonlySet<string> = new Set(
  hopByHop.filter((name) => name !== "connection" && name !== "transfer-encoding"),
);
