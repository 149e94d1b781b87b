import { headersOutward } from "./forwarded-headers.js";
import { readHeaderLines } from "./header-lines.js";

/** The first lines of an answer, as the service inside sent them. */
export interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  /** Names and values, one after the other. */
  readonly headers: string[];
  readonly body: BodyFraming;
  /** The connection can be used again once the body has ended. */
  readonly staysOpen: boolean;
  /** What `outwardHead` made of it, once it has. */
  outward?: string;
}

export type BodyFraming =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" }
  /** To the end of the connection. */
  | { readonly kind: "rest" };

const statusLine = /^HTTP\/1\.([01]) (\d{3})(?: ([\t\x20-\x7e\x80-\xff]*))?$/;

/** Throws where it is none: what a guest says is not to be guessed at. `text` ends before the empty line. */
export function parseAnswerHead(text: string, method: string): AnswerHead {
  const lineEnd = text.indexOf("\r\n");
  const [, minor, digits, reason = ""] = statusLine.exec(text.slice(0, lineEnd)) ?? [];
  if (digits === undefined) throw malformed("its first line");
  const status = Number(digits);
  if (status < 100) throw malformed("its status");
  const headers = readHeaderLines(text, lineEnd + 2);
  if (headers === undefined) throw malformed("a header");
  const said: Said = { staysOpen: minor === "1", chunked: false, length: undefined, lengths: 0 };
  for (let at = 0; at < headers.length; at += 2)
    hear(said, (headers[at] ?? "").toLowerCase(), headers[at + 1] ?? "");
  const body = framingOf(status, method, said);
  return { status, reason, headers, body, staysOpen: said.staysOpen && body.kind !== "rest" };
}

interface Said {
  staysOpen: boolean;
  chunked: boolean;
  length: string | undefined;
  /** How often the length was said. */
  lengths: number;
}

/** What a header says about the connection and the length of the body. */
function hear(said: Said, name: string, value: string): void {
  if (name === "content-length") {
    said.length = value;
    said.lengths += 1;
  } else if (name === "transfer-encoding") {
    if (value.toLowerCase() !== "chunked" || said.chunked) throw malformed("its transfer encoding");
    said.chunked = true;
  } else if (name === "connection" && /\bclose\b/i.test(value)) said.staysOpen = false;
}

function framingOf(status: number, method: string, { chunked, length, lengths }: Said): BodyFraming {
  if (method === "HEAD" || status === 204 || status === 304 || status < 200) return { kind: "none" };
  if (chunked && length !== undefined) throw malformed("two lengths");
  if (chunked) return { kind: "chunked" };
  if (length === undefined) return { kind: "rest" };
  if (lengths > 1 || !/^\d{1,15}$/.test(length)) throw malformed("its length");
  return length === "0" ? { kind: "none" } : { kind: "length", bytes: Number(length) };
}

/** As it goes out on a connection that is kept for `keptMs`; a body without a length goes in chunks. */
export const outwardHead = (answer: AnswerHead, keptMs: number): string =>
  (answer.outward ??= outwardText(answer, keptMs));

function outwardText({ status, reason, headers, body }: AnswerHead, keptMs: number): string {
  const outward = headersOutward(headers);
  let text = `HTTP/1.1 ${status} ${reason}\r\n`;
  for (let at = 0; at < outward.length; at += 2) text += `${outward[at]}: ${outward[at + 1]}\r\n`;
  if (body.kind === "chunked" || body.kind === "rest") text += "Transfer-Encoding: chunked\r\n";
  return `${text}Connection: keep-alive\r\nKeep-Alive: timeout=${keptMs / 1_000}\r\n\r\n`;
}

export const malformed = (what: string): Error => new Error(`no proper answer: ${what}`);
