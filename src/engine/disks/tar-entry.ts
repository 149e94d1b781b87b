const blockBytes = 512;
/** A longer name goes into a record of its own ahead of it. */
const nameBytes = 100;

/** An empty file in a tar, by its name as bytes. */
export function emptyTarEntry(name: Buffer): Buffer {
  if (name.length <= nameBytes) return header(name, "0", 0);
  const record = paxRecord("path", name);
  const padding = Buffer.alloc((blockBytes - (record.length % blockBytes)) % blockBytes);
  return Buffer.concat([
    header(Buffer.from("PaxHeaders/path"), "x", record.length),
    record,
    padding,
    header(name.subarray(0, nameBytes), "0", 0),
  ]);
}

/** What ends a tar. */
export const tarEnd = Buffer.alloc(2 * blockBytes);

/** Its length counts its own digits. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from("\n")]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length += 1;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function header(name: Buffer, type: string, sizeBytes: number): Buffer {
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, at: number, width: number) =>
    block.write(value.toString(8).padStart(width - 1, "0"), at);
  name.copy(block, 0);
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(sizeBytes, 124, 12);
  octal(0, 136, 12);
  block.write(type, 156);
  block.write("ustar\u000000", 257, "latin1");
  block.fill(" ", 148, 156);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}
