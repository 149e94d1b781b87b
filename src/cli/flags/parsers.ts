import { egressRuleForms, formatEgressRule, readEgressRule } from "../../domain/egress.js";
import { parseByteSize } from "../../lib/byte-size.js";
import { parseGoDuration } from "../../lib/go-duration.js";

/** Reads one word of the command line; all of them are here, so that the same word means the same everywhere. */
export interface Parser<T> {
  /** What the word should be: `duration`. */
  readonly noun: string;
  /** How to write one, for the message. */
  readonly expected: string;
  /** The words that are allowed, where they can be counted: for the help and completion. */
  readonly choices?: readonly string[];
  /** Not to be repeated in a message. */
  readonly isSecret?: boolean;
  /** Completion offers files. */
  readonly completesFiles?: boolean;
  /** Undefined: the word is none. */
  read(word: string): T | undefined;
}

export const text: Parser<string> = { noun: "value", expected: "a text", read: (word) => word };

/** In its one form. */
export const egressRule: Parser<string> = {
  noun: "destination",
  expected: egressRuleForms,
  read(word) {
    const rule = readEgressRule(word);
    return rule === undefined ? undefined : formatEgressRule(rule);
  },
};

/** As `text`, and not empty. */
export const filled: Parser<string> = { noun: "value", expected: "a text that is not empty", read: orEmpty };

/** It travels in a header: one word, without spaces. */
export const token: Parser<string> = {
  noun: "token",
  expected: "one word of letters, digits and signs",
  isSecret: true,
  read: (word) => (/^[\x21-\x7e]+$/.test(word.trim()) ? word.trim() : undefined),
};

export const session: Parser<string> = {
  noun: "session",
  expected: "the id or the name of a session",
  read: orEmpty,
};

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

/** Ten years: what is longer is a slip, and past what the contract has numbers for. */
const longestDurationMs = 87_600 * 3_600_000;

/** Milliseconds. */
export const duration: Parser<number> = {
  noun: "duration",
  expected: "a number with its unit, like 30s, 2m or 1h30m, up to 87600h",
  read(word) {
    const ms = parseGoDuration(word);
    return ms === undefined || ms < 0 || ms > longestDurationMs ? undefined : ms;
  },
};

/** Milliseconds, more than none. */
export const positiveDuration: Parser<number> = {
  ...duration,
  expected: "more than 0, like 30s, 2m or 1h30m, up to 87600h",
  read: (word) => duration.read(word) || undefined,
};

/** How often something is asked for: a service is not to be asked all the time. */
export const interval: Parser<number> = {
  ...duration,
  expected: "at least 100ms, like 500ms, 2s or 1m",
  read(word) {
    const ms = duration.read(word) ?? 0;
    return ms >= 100 && ms <= 2 ** 31 - 1 ? ms : undefined;
  },
};

/** Bytes. */
export const size: Parser<number> = {
  noun: "size",
  expected: "a number with its unit, like 500MB, 10GB or 10GiB",
  read: parseByteSize,
};

/** Bytes, more than none. */
export const positiveSize: Parser<number> = {
  ...size,
  expected: "more than 0, like 500MB, 10GB or 10GiB",
  read: (word) => size.read(word) || undefined,
};

export function integer(bounds: { readonly min: number; readonly max: number }): Parser<number> {
  return {
    noun: "number",
    expected: `a whole number from ${bounds.min} to ${bounds.max}`,
    read(word) {
      const value = /^-?\d{1,15}$/.test(word) ? Number(word) : Number.NaN;
      return value >= bounds.min && value <= bounds.max ? value : undefined;
    },
  };
}

/** As `parser` reads it, or the word `none`. */
export const orNone = <T>(parser: Parser<T>): Parser<T | "none"> => ({
  ...parser,
  expected: `${parser.expected}; or none`,
  read: (word) => (word === "none" ? word : parser.read(word)),
});

/** `host:port`; a bare port is this machine's. */
export const hostPort: Parser<string> = {
  noun: "address",
  expected: "HOST:PORT, with a port from 1 to 65535, as in localhost:5432",
  read(word) {
    const [, host = "localhost", digits] = /^(?:(\[[^\]]+\]|[^:[\]]+):)?(\d{1,5})$/.exec(word) ?? [];
    const port = Number(digits);
    return port >= 1 && port <= 65_535 ? `${host}:${port}` : undefined;
  },
};

export const port: Parser<number> = { ...integer({ min: 1, max: 65_535 }), noun: "port" };

/** A command's name and value: `KEY=VALUE`; the value may be empty and hold more of `=`. */
export const keyValue: Parser<readonly [string, string]> = {
  noun: "key=value",
  expected: "a name, =, and a value, like owner=alice",
  read(word) {
    const at = word.indexOf("=");
    return at < 1 || word.includes("\0") ? undefined : [word.slice(0, at), word.slice(at + 1)];
  },
};

/** A variable that a command gets: with its value, or by its name, for the value that it has on this side. */
export interface EnvironmentEntry {
  readonly name: string;
  /** Undefined: as it is on this side. */
  readonly value: string | undefined;
}

/** An environment variable: `NAME=VALUE`, or `NAME`. */
export const environmentEntry: Parser<EnvironmentEntry> = {
  noun: "key=value",
  expected: "a variable's name, =, and its value, like DEBUG=1; or the name of one that is set here",
  read(word) {
    const at = word.indexOf("=");
    const name = at < 0 ? word : word.slice(0, at);
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || word.includes("\0")) return undefined;
    return { name, value: at < 0 ? undefined : word.slice(at + 1) };
  },
};

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

export const tag: Parser<string> = {
  noun: "tag",
  expected: "up to 32 small letters, digits and _ : . -, a letter or a digit first",
  read: (word) => (/^[a-z0-9][a-z0-9_:.-]{0,31}$/.test(word) ? word : undefined),
};

export const maxTags = 20;

export const sessionName: Parser<string> = {
  noun: "name",
  expected: "up to 64 letters, digits, and . _ -, a letter or a digit first",
  read: (word) => (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(word) ? word : undefined),
};

/** An http:// or https:// address, or the word `local`. */
export const endpoint: Parser<string> = {
  noun: "endpoint",
  expected: "an address like https://api.tenki.cloud, or the word local",
  choices: ["local"],
  read: readEndpoint,
};

/** Where SSH goes through. */
export const gateway: Parser<string> = {
  noun: "gateway",
  expected: "an address like wss://gateway.example.com",
  read: (word) =>
    URL.canParse(word) && /^(ws|http)s?:$/.test(new URL(word).protocol)
      ? word.replace(/\/+$/, "")
      : undefined,
};

export function oneOf<const T extends string>(noun: string, choices: readonly T[]): Parser<T> {
  return {
    noun,
    expected: choices.join(", "),
    choices,
    read: (word) => choices.find((choice) => choice.toLowerCase() === word.toLowerCase()),
  };
}

function orEmpty(word: string): string | undefined {
  return word.trim() === "" ? undefined : word;
}

function readEndpoint(word: string): string | undefined {
  if (word === "local") return word;
  const protocol = URL.canParse(word) ? new URL(word).protocol : "";
  return protocol === "http:" || protocol === "https:" ? word.replace(/\/+$/, "") : undefined;
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const uuid: Parser<string> = {
  noun: "id",
  expected: "an id like 5b0e4f6e-0d5c-4f0e-9b0a-6f6d3c1c2a11",
  read: (word) => (uuidPattern.test(word) ? word.toLowerCase() : undefined),
};

/** Part of a name of a host. */
export const slug: Parser<string> = {
  noun: "slug",
  expected: "3 to 63 lower-case letters, digits and inner hyphens, like demo-1",
  read: (word) => (/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(word) ? word : undefined),
};

/** Below which previews have names. */
export const domain: Parser<string> = {
  noun: "domain",
  expected: "the name of a domain, like preview.example.com",
  read: (word) =>
    /^(?=.{1,180}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i.test(word)
      ? word.toLowerCase()
      : undefined,
};

/** Whole minutes; 0 = never. */
export const minutes: Parser<number> = {
  noun: "duration",
  expected: "whole minutes, like 30m or 2h, up to 87600h; 0 for never",
  read(word) {
    const ms = duration.read(word);
    return ms === undefined || ms % 60_000 !== 0 ? undefined : ms / 60_000;
  },
};

export interface VolumeMount {
  readonly volume: string;
  readonly mountPath: string;
  readonly readOnly: boolean;
}

/** A volume by its id or its name. */
export const volume: Parser<string> = {
  noun: "volume",
  expected: "the id or the name of a volume",
  read: orEmpty,
};

export const volumeName: Parser<string> = {
  noun: "name",
  expected: 'up to 64 characters, none of them ":" or "/"',
  read: (word) => (word.trim() === word && /^[^:/\p{C}]{1,64}$/u.test(word) ? word : undefined),
};

/** A snapshot by its id or its name. */
export const snapshot: Parser<string> = {
  noun: "snapshot",
  expected: "the id or the name of a snapshot",
  read: orEmpty,
};

export const snapshotName: Parser<string> = {
  noun: "name",
  expected: "up to 64 characters, no space at its ends",
  read: (word) => (word.trim() === word && /^[^\p{C}]{1,64}$/u.test(word) ? word : undefined),
};

/** A moment that is to come: in RFC 3339, or so long from now. */
export const moment: Parser<Date> = {
  noun: "time",
  expected: "one to come, like 2031-01-31T12:00:00Z, or a duration from now, like 24h",
  read(word) {
    const ms = positiveDuration.read(word);
    const at = ms === undefined ? rfc3339(word) : new Date(Date.now() + ms);
    return at !== undefined && at.getTime() > Date.now() ? at : undefined;
  },
};

function rfc3339(word: string): Date | undefined {
  if (!/^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(word)) return undefined;
  const at = new Date(word);
  return Number.isNaN(at.getTime()) ? undefined : at;
}

const volumeBounds = { min: 2 ** 20, max: 100 * 2 ** 30 };

/** Bytes. */
export const volumeSize: Parser<number> = {
  noun: "size",
  expected: "1MiB to 100GiB, with the unit, like 500MB or 10GiB",
  read(word) {
    const bytes = parseByteSize(word) ?? 0;
    return bytes >= volumeBounds.min && bytes <= volumeBounds.max ? bytes : undefined;
  },
};

export const mountPath: Parser<string> = {
  noun: "mount path",
  expected: "an absolute path inside the session, like /data or /home/tenki/cache",
  read: (word) => (word.startsWith("/") && !word.includes("\0") ? word : undefined),
};

export const volumeMount: Parser<VolumeMount> = {
  noun: "volume",
  expected: "id-or-name:/path, with :ro at its end for one that is only read",
  read(word) {
    const [, volume = "", mountPath = "", mode] = /^([^:]+):(\/[^:]*)(:ro|:rw)?$/.exec(word) ?? [];
    return volume === "" ? undefined : { volume, mountPath, readOnly: mode === ":ro" };
  },
};

/** The contract counts a command's time in 32 bits of milliseconds. */
export const commandTimeout: Parser<number> = {
  ...duration,
  expected: "a number with its unit, like 30s, 2m or 1h30m, up to 1193h; 0 for never",
  read(word) {
    const ms = duration.read(word);
    return ms === undefined || ms > 0xffffffff ? undefined : Math.ceil(ms);
  },
};

export const listenAddress: Parser<string> = {
  noun: "address to listen on",
  expected: "ADDRESS:PORT with a port from 0 to 65535, as in 127.0.0.1:8365 or [::1]:0",
  read(word) {
    const match = /^(\[[0-9a-fA-F:]+\]|[^\s:[\]]+):(\d{1,5})$/.exec(word);
    return match !== null && Number(match[2]) <= 65_535 ? word : undefined;
  },
};

export const address: Parser<string> = {
  noun: "address",
  expected: "an IPv4 address",
  read: (word) =>
    /^(\d{1,3}\.){3}\d{1,3}$/.test(word) && word.split(".").every((part) => Number(part) < 256)
      ? word
      : undefined,
};

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
