/** Names and values, one after the other, of lines that all end with CR LF; undefined where one is no proper header. */
export function readHeaderLines(text: string, from: number): string[] | undefined {
  const headers: string[] = [];
  for (let at = from; at < text.length;) {
    const colon = skip(text, at, inNames);
    if (colon === at || text.charCodeAt(colon) !== 58) return undefined;
    const start = skip(text, colon + 1, blanks);
    const end = skip(text, start, inValues);
    if (text.charCodeAt(end) !== 13 || text.charCodeAt(end + 1) !== 10) return undefined;
    headers.push(text.slice(at, colon), withoutBlanks(text, start, end));
    at = end + 2;
  }
  return headers;
}

function withoutBlanks(text: string, start: number, end: number): string {
  let last = end;
  while (last > start && blanks[text.charCodeAt(last - 1)] === 1) last -= 1;
  return text.slice(start, last);
}

function skip(text: string, from: number, what: Uint8Array): number {
  let at = from;
  while (what[text.charCodeAt(at)] === 1) at += 1;
  return at;
}

const tableOf = (pattern: RegExp): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, code) => (pattern.test(String.fromCharCode(code)) ? 1 : 0));

const inNames = tableOf(/[!#$%&'*+\-.^_`|~0-9A-Za-z]/);
const inValues = tableOf(/[\t\x20-\x7e\x80-\xff]/);
const blanks = tableOf(/[\t ]/);
