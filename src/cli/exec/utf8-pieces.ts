/** Cuts a stream of bytes so that no character is in two pieces; what is no UTF-8 passes as it is. */
export class Utf8Pieces {
  #rest: Uint8Array = new Uint8Array();

  next(data: Uint8Array): Buffer {
    const all = Buffer.concat([this.#rest, data]);
    const end = all.length - unfinishedBytes(all);
    this.#rest = all.subarray(end);
    return all.subarray(0, end);
  }

  end(): Buffer {
    return Buffer.from(this.#rest);
  }
}

/** Of a character at the end whose last bytes are still to come. */
function unfinishedBytes(data: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, data.length); back++) {
    const byte = data[data.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc2) return lengthOf(byte) > back ? back : 0;
  }
  return 0;
}

/** 1: none begins so. */
const lengthOf = (first: number): number => (first >= 0xf5 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2);
