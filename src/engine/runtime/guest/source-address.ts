import { malformed, type PayloadReader } from "./payload.js";

/** Where a connection inside comes from, as `address:port`. */
export function readSourceAddress(reader: PayloadReader): string {
  const port = reader.u32();
  const bytes: number[] = [];
  while (!reader.atEnd) bytes.push(reader.u8());
  if (port > 0xffff) throw malformed("a port that is none");
  if (bytes.length === 4) return `${bytes.join(".")}:${port}`;
  if (bytes.length !== 16) throw malformed("an address that is none");
  return `[${writeIpv6(Buffer.from(bytes))}]:${port}`;
}

/** As the URL standard writes it: the longest run of zeros is left out. */
function writeIpv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}
