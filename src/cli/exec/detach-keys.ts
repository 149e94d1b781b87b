/** Finds the keys that leave a terminal in what is typed; what turns out not to be them is passed on. */
export class DetachKeys {
  readonly #keys: Uint8Array;
  #matched = 0;

  /** As bytes; none: there is no way to leave by keys. */
  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  /** What goes on to the command, and whether the keys were typed behind it. */
  read(typed: Uint8Array): { readonly pass: Uint8Array; readonly leaves: boolean } {
    if (this.#keys.length === 0) return { pass: typed, leaves: false };
    const pass: number[] = [];
    for (const byte of typed) {
      if (byte !== this.#keys[this.#matched]) pass.push(...this.#takeBack());
      if (byte === this.#keys[this.#matched]) this.#matched += 1;
      else pass.push(byte);
      if (this.#matched === this.#keys.length) return { pass: Uint8Array.from(pass), leaves: true };
    }
    return { pass: Uint8Array.from(pass), leaves: false };
  }

  /** Held back as the beginning of the keys, and something else came. */
  #takeBack(): Uint8Array {
    const held = this.#keys.subarray(0, this.#matched);
    this.#matched = 0;
    return held;
  }
}
