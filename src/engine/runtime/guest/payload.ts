import { TenkiError } from "../../../domain/error.js";

/** Collects the parts of a request's payload. Numbers are little endian. */
export class PayloadWriter {
  readonly #parts: Uint8Array[] = [];

  u8(value: number): this {
    this.#parts.push(Uint8Array.of(value));
    return this;
  }

  u32(value: number): this {
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeUInt32LE(value);
    this.#parts.push(bytes);
    return this;
  }

  u64(value: number): this {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigUInt64LE(BigInt(value));
    this.#parts.push(bytes);
    return this;
  }

  /** May hold NULs; one more follows them, so that C can use them where they lie. */
  bytes(value: Uint8Array): this {
    this.u32(value.length).#parts.push(value, Uint8Array.of(0));
    return this;
  }

  string(value: string): this {
    if (value.includes("\0")) throw new TenkiError("invalid_argument", "a path or argument holds a NUL byte");
    return this.bytes(Buffer.from(value));
  }

  strings(values: readonly string[]): this {
    this.u32(values.length);
    for (const value of values) this.string(value);
    return this;
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** Takes an answer apart. The guest is not trusted: whatever is short, long or too large is an error. */
export class PayloadReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#advance(1));
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#advance(4));
  }

  u64(): number {
    const value = Number(this.#bytes.readBigUInt64LE(this.#advance(8)));
    if (!Number.isSafeInteger(value)) throw malformed("a number out of range");
    return value;
  }

  i64(): bigint {
    return this.#bytes.readBigInt64LE(this.#advance(8));
  }

  string(): string {
    const length = this.u32();
    const start = this.#advance(length);
    return this.#bytes.toString("utf8", start, start + length);
  }

  /** Throws where anything is left over. */
  finish(): void {
    if (!this.atEnd) throw malformed("a frame with too much in it");
  }

  #advance(size: number): number {
    const start = this.#at;
    if (size > this.#bytes.length - start) throw malformed("a frame with too little in it");
    this.#at = start + size;
    return start;
  }
}

/** The sandbox does not keep to the protocol: broken, or hostile. */
export const malformed = (what: string): TenkiError =>
  new TenkiError("internal", `the sandbox answered with ${what}`);
