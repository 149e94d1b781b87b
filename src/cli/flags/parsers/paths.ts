import type { Parser } from "./parser.js";

/** A path inside a session. */
export const remotePath: Parser<string> = {
  noun: "path",
  expected: "a path inside the session, like notes.txt or /home/tenki/notes.txt",
  read: (word) => (word === "" || word.includes("\0") ? undefined : word),
};

/** A file on this side; `-` is stdin or stdout. */
export const localFile: Parser<string> = {
  noun: "path",
  expected: "the path of a file",
  completesFiles: true,
  read: (word) => (word === "" || word.includes("\0") ? undefined : word),
};

export const mountPath: Parser<string> = {
  noun: "mount path",
  expected: "an absolute path inside the session, like /data or /home/tenki/cache",
  read: (word) => (word.startsWith("/") && !word.includes("\0") ? word : undefined),
};
