import type { Parser } from "./parser.js";

/** An id, or the beginning of one. */
export const execution: Parser<string> = {
  noun: "execution",
  expected: "the id of an execution, or the beginning of it",
  read: (word) => (/^[0-9a-f][0-9a-f-]{0,35}$/i.test(word) ? word.toLowerCase() : undefined),
};

/** Without SIG, as the kernel names it. */
export const signalName: Parser<string> = {
  noun: "signal",
  expected: "a signal's name, like TERM, INT or USR1",
  read(word) {
    const name = word.toUpperCase().replace(/^SIG/, "");
    return /^[A-Z][A-Z0-9+-]{1,9}$/.test(name) ? name : undefined;
  },
};

/** The bytes of keys, as docker names them: `ctrl-p,ctrl-q`. */
export const detachKeys: Parser<Uint8Array> = {
  noun: "keys",
  expected: "letters and ctrl-<letter> with commas between them, like ctrl-p,ctrl-q",
  read(word) {
    if (word === "") return new Uint8Array();
    const bytes = word.split(",").map(keyByte);
    return bytes.every((byte) => byte !== undefined) ? Uint8Array.from(bytes) : undefined;
  },
};

function keyByte(key: string): number | undefined {
  const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
  if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 0x1f;
  return /^[\x20-\x7e]$/.test(key) ? key.charCodeAt(0) : undefined;
}
