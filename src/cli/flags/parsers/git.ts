import type { Parser } from "./parser.js";

/** What git clones; what it would take for an option, or a path, is none. */
export const repository: Parser<string> = {
  noun: "repository",
  expected: "https://host/owner/name, ssh://user@host/path or user@host:path",
  isSecret: true, // it may hold a password
  read(word) {
    if (/^-|[\s\0]/.test(word)) return undefined;
    const isUrl = /^(https?|ssh|git):\/\/[^/]/i.test(word) && URL.canParse(word);
    return isUrl || /^([\w.-]+@)?[A-Za-z0-9][\w.-]*:[^:/-][^:]*$/.test(word) ? word : undefined;
  },
};

/** A branch, a tag, a commit, or a range of them. */
export const revision: Parser<string> = {
  noun: "revision",
  expected: "a branch, a tag or a commit",
  read: (word) => (word === "" || /^-|\s/.test(word) ? undefined : word),
};
