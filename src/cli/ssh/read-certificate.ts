/** What an OpenSSH certificate says that matters to who holds it. */
export interface Certificate {
  readonly keyId: string;
  readonly validAfterMs: number;
  readonly validBeforeMs: number;
  /** It is for this key: one line in OpenSSH's format. */
  certifies(publicKey: string): boolean;
}

/** How many fields a key of a type has behind its type. */
const keyFields: Readonly<Record<string, number>> = {
  "ssh-ed25519": 1,
  "ssh-rsa": 2,
  "ecdsa-sha2-nistp256": 2,
  "ecdsa-sha2-nistp384": 2,
  "ecdsa-sha2-nistp521": 2,
};

/** Reads `<key>-cert.pub`; undefined where it is none, or of a kind that no session takes. */
export function readCertificate(line: string): Certificate | undefined {
  const [type = "", encoded = ""] = line.trim().split(/\s+/);
  const fields = keyFields[type.replace(/-cert-v01@openssh\.com$/, "")];
  if (fields === undefined || !type.includes("-cert-")) return undefined;
  try {
    return readBody(Buffer.from(encoded, "base64"), fields);
  } catch (error) {
    if (error instanceof RangeError) return undefined; // it is cut off
    throw error;
  }
}

function readBody(body: Buffer, fields: number): Certificate {
  const reader = new Reader(body);
  reader.text(); // type
  reader.text(); // nonce
  const key = reader.skip(fields);
  reader.number(); // serial
  reader.at += 4; // user or host
  const keyId = reader.text().toString();
  reader.text(); // principals
  const [validAfterMs, validBeforeMs] = [reader.number() * 1_000, reader.number() * 1_000];
  return {
    ...{ keyId, validAfterMs, validBeforeMs },
    certifies(publicKey) {
      const blob = Buffer.from(publicKey.trim().split(/\s+/)[1] ?? "", "base64");
      return blob.length > 4 && blob.subarray(4 + blob.readUInt32BE(0)).equals(key);
    },
  };
}

class Reader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  text(): Buffer {
    const start = this.at + 4;
    this.at = start + this.#bytes.readUInt32BE(this.at);
    if (this.at > this.#bytes.length) throw new RangeError("a field reaches beyond the end");
    return this.#bytes.subarray(start, this.at);
  }

  number(): number {
    this.at += 8;
    return Number(this.#bytes.readBigUInt64BE(this.at - 8));
  }

  /** Several fields as they are. */
  skip(fields: number): Buffer {
    const start = this.at;
    for (let left = fields; left > 0; left -= 1) this.text();
    return this.#bytes.subarray(start, this.at);
  }
}
