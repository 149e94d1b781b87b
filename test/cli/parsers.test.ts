import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as addresses from "../../src/cli/flags/parsers/addresses.js";
import * as environment from "../../src/cli/flags/parsers/environment.js";
import * as paths from "../../src/cli/flags/parsers/paths.js";
import * as sessions from "../../src/cli/flags/parsers/sessions.js";
import * as sizes from "../../src/cli/flags/parsers/sizes.js";
import * as times from "../../src/cli/flags/parsers/times.js";
import * as volumes from "../../src/cli/flags/parsers/volumes.js";
import * as words from "../../src/cli/flags/parsers/words.js";
import type { Parser } from "../../src/cli/flags/parsers/parser.js";

const bounded = words.integer({ min: 1, max: 16 });
const state = words.oneOf("state", ["RUNNING", "PAUSED"]);
const uuid = "5b0e4f6e-0d5c-4f0e-9b0a-6f6d3c1c2a11";

type Case<T> = readonly [
  name: string,
  parser: Parser<T>,
  good: readonly (readonly [string, T])[],
  bad: readonly string[],
];
const of = <T>(...each: Case<T>): Case<unknown> => each;

const cases: readonly Case<unknown>[] = [
  of(
    "domain",
    addresses.domain,
    [
      ["preview.example.com", "preview.example.com"],
      ["LOCALHOST", "localhost"],
      ["4.example.a1", "4.example.a1"],
    ],
    ["", "1.2.3.4", "8", "preview.example.8", "-a.example", "a..b", "a.b."],
  ),
  of(
    "duration",
    times.duration,
    [
      ["0", 0],
      ["30s", 30_000],
      ["2m", 120_000],
      ["1h30m", 5_400_000],
      ["1h0m0s", 3_600_000],
      ["1.5s", 1_500],
      ["250ms", 250],
    ],
    ["", "5", "2 m", "1d", "s", "-1s", "1h30", "soon"],
  ),
  of("positive duration", times.positiveDuration, [["1ms", 1]], ["0", "0s", "-1s"]),
  of(
    "command timeout",
    times.commandTimeout,
    [
      ["0", 0],
      ["1193h", 4_294_800_000],
    ],
    ["1194h", "5"],
  ),
  of(
    "minutes",
    times.minutes,
    [
      ["0", 0],
      ["30m", 30],
      ["2h", 120],
      ["60s", 1],
    ],
    ["90s", "30", "-30m"],
  ),
  of(
    "size",
    sizes.size,
    [
      ["10GB", 1e10],
      ["10GiB", 10 * 2 ** 30],
      ["500MB", 5e8],
      ["1.5KiB", 1_536],
    ],
    ["1024", "10", "10G", "GB", "-1GB", "ten GB", ""],
  ),
  of(
    "integer",
    bounded,
    [
      ["1", 1],
      ["16", 16],
    ],
    ["0", "17", "1.5", "-1", "one", "", "1e1", "0x10", " 1"],
  ),
  of(
    "port",
    addresses.port,
    [
      ["1", 1],
      ["65535", 65_535],
    ],
    ["0", "65536", "-1", "http", ""],
  ),
  of(
    "key=value",
    words.keyValue,
    [
      ["a=b", ["a", "b"]],
      ["a=", ["a", ""]],
      ["a=b=c", ["a", "b=c"]],
    ],
    ["a", "=b", ""],
  ),
  of(
    "variable",
    environment.environmentEntry,
    [
      ["A_1=x y", { name: "A_1", value: "x y" }],
      ["A=", { name: "A", value: "" }],
      ["A", { name: "A", value: undefined }],
    ],
    ["1A=x", "A-B=x", "A B=x", "=x", "A B", ""],
  ),
  of(
    "tag",
    sessions.tag,
    [
      ["a", "a"],
      ["0_:.-", "0_:.-"],
      ["a".repeat(32), "a".repeat(32)],
    ],
    ["", "A", "-a", "a b", "a".repeat(33)],
  ),
  of(
    "name",
    sessions.sessionName,
    [
      ["demo", "demo"],
      ["A.b_c-1", "A.b_c-1"],
      ["a".repeat(64), "a".repeat(64)],
    ],
    ["", "-a", "a b", "a:b", "a/b", "ü", "a".repeat(65), "a\n"],
  ),
  of(
    "endpoint",
    addresses.endpoint,
    [
      ["local", "local"],
      ["https://api.tenki.cloud/", "https://api.tenki.cloud"],
      ["http://[::1]:1", "http://[::1]:1"],
    ],
    ["", "api.tenki.cloud", "ftp://x", "localhost:8365", "http://"],
  ),
  of(
    "token",
    words.token,
    [
      ["tk_a", "tk_a"],
      [" tk_a\n", "tk_a"],
    ],
    ["", "a b", "a\nb", "ü"],
  ),
  of("id", words.uuid, [[uuid.toUpperCase(), uuid]], ["", "demo", `${uuid}0`]),
  of(
    "choice",
    state,
    [
      ["running", "RUNNING"],
      ["PAUSED", "PAUSED"],
    ],
    ["", "RUN"],
  ),
  of(
    "path",
    paths.remotePath,
    [
      ["a b", "a b"],
      ["/home/tenki/x", "/home/tenki/x"],
    ],
    ["", "a\0b"],
  ),
  of("session", sessions.session, [["demo", "demo"]], ["", " "]),
  of(
    "volume",
    volumes.volumeMount,
    [
      ["data:/mnt", { volume: "data", mountPath: "/mnt", readOnly: false }],
      ["data:/mnt:ro", { volume: "data", mountPath: "/mnt", readOnly: true }],
      ["data:/mnt:rw", { volume: "data", mountPath: "/mnt", readOnly: false }],
    ],
    ["data", "data:mnt", ":/mnt", "data:/mnt:rx", ""],
  ),
];

describe("a word of the command line", () => {
  for (const [name, parser, good, bad] of cases) {
    it(`that is a ${name}`, () => {
      for (const [word, value] of good) assert.deepEqual(parser.read(word), value, JSON.stringify(word));
    });
    it(`that is no ${name}`, () => {
      for (const word of bad) assert.equal(parser.read(word), undefined, JSON.stringify(word));
    });
  }
});
