/** The first lines of an answer, as the service inside sent them. */
export interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  /** Names and values, one after the other. */
  readonly headers: string[];
  readonly body: BodyFraming;
  /** The connection can be used again once the body has ended. */
  readonly staysOpen: boolean;
}

export type BodyFraming =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" }
  /** To the end of the connection. */
  | { readonly kind: "rest" };

const statusLine = /^HTTP\/1\.([01]) (\d{3})(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const headerLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*$/;

/** Throws where it is none: what a guest says is not to be guessed at. `text` ends before the empty line. */
export function parseAnswerHead(text: string, method: string): AnswerHead {
  const lines = text.split("\r\n");
  const [, minor, digits, reason = ""] = statusLine.exec(lines[0] ?? "") ?? [];
  if (digits === undefined) throw malformed("its first line");
  const status = Number(digits);
  if (status < 100) throw malformed("its status");
  const headers: string[] = [];
  const said: Said = { staysOpen: minor === "1", chunked: false, lengths: [] };
  for (let at = 1; at < lines.length; at += 1) {
    const [, name, value] = headerLine.exec(lines[at] ?? "") ?? [];
    if (name === undefined || value === undefined) throw malformed("a header");
    headers.push(name, value);
    hear(said, name.toLowerCase(), value);
  }
  const body = framingOf(status, method, said);
  return { status, reason, headers, body, staysOpen: said.staysOpen && body.kind !== "rest" };
}

interface Said {
  staysOpen: boolean;
  chunked: boolean;
  readonly lengths: string[];
}

/** What a header says about the connection and the length of the body. */
function hear(said: Said, name: string, value: string): void {
  if (name === "content-length") said.lengths.push(value);
  else if (name === "transfer-encoding") {
    if (value.toLowerCase() !== "chunked" || said.chunked) throw malformed("its transfer encoding");
    said.chunked = true;
  } else if (name === "connection" && /\bclose\b/i.test(value)) said.staysOpen = false;
}

function framingOf(status: number, method: string, { chunked, lengths }: Said): BodyFraming {
  if (method === "HEAD" || status === 204 || status === 304 || status < 200) return { kind: "none" };
  const [length] = lengths;
  if (chunked && length !== undefined) throw malformed("two lengths");
  if (chunked) return { kind: "chunked" };
  if (length === undefined) return { kind: "rest" };
  if (lengths.length > 1 || !/^\d{1,15}$/.test(length)) throw malformed("its length");
  return length === "0" ? { kind: "none" } : { kind: "length", bytes: Number(length) };
}

export const malformed = (what: string): Error => new Error(`no proper answer: ${what}`);
