import { TenkiError } from "../../../domain/error.js";

const signedTypes: readonly string[] = [
  "ssh-ed25519",
  "ssh-rsa",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
];

/** What a hardware key makes is of no use for a certificate that is renewed by itself, and good for logging in. */
const loginTypes: readonly string[] = [
  ...signedTypes,
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
];

/** The least that a key of 2048 bits comes to. */
const rsaBytesMin = 270;
const lineLengthMax = 8_192;
const keysMax = 256;

/** `type key` of a public key in one line, its comment dropped. */
export function readPublicKey(line: string): string {
  const key = /^(\S+) +(\S+)(?: [^\r\n]*)?$/.exec(line.trim());
  const [, type = "", body = ""] = key ?? [];
  if (!signedTypes.includes(type) || !isOfType(type, body)) {
    throw new TenkiError(
      "invalid_argument",
      "public_key: has to be one line as in a .pub file: an Ed25519, ECDSA or RSA key",
    );
  }
  if (type === "ssh-rsa" && Buffer.from(body, "base64").length < rsaBytesMin) {
    throw new TenkiError("invalid_argument", "public_key: an RSA key has to have 2048 bits or more");
  }
  return `${type} ${body}`;
}

/** Lines of an authorized_keys file, as they are; each has to hold a key. */
export function checkAuthorizedKeys(lines: readonly string[]): readonly string[] {
  if (lines.length > keysMax) {
    throw new TenkiError("invalid_argument", `ssh_authorized_keys: at most ${keysMax} keys`);
  }
  lines.forEach((line, at) => {
    if (!isAuthorizedKey(line)) {
      throw new TenkiError(
        "invalid_argument",
        `ssh_authorized_keys[${at}]: has to be one line as in an authorized_keys file`,
      );
    }
  });
  return lines.map((line) => line.trim());
}

/** Options may come before the type, and hold blanks in quotation marks. */
function isAuthorizedKey(line: string): boolean {
  if (line.length > lineLengthMax || /[^\t\x20-\x7e\u0080-\uffff]/.test(line.trim())) return false;
  const words = line.trim().split(/[ \t]+/);
  return words.some((word, at) => loginTypes.includes(word) && isOfType(word, words[at + 1] ?? ""));
}

/** A key begins with its type, as every string there is: length first. */
function isOfType(type: string, body: string): boolean {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(body)) return false;
  const bytes = Buffer.from(body, "base64");
  return (
    bytes.length > 4 + type.length &&
    bytes.readUInt32BE(0) === type.length &&
    bytes.toString("latin1", 4, 4 + type.length) === type
  );
}
