import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  checkSessionName,
  hostnameFor,
  inventSessionName,
} from "../../src/engine/core/sessions/session-name.js";

describe("a session's name", () => {
  it("is invented where none was given, and valid", () => {
    const names = Array.from({ length: 100 }, inventSessionName);
    for (const name of names) assert.equal(checkSessionName(name), name);
    assert.ok(new Set(names).size > 90);
  });

  const hostnames: Readonly<Record<string, string>> = {
    demo: "demo",
    "My_Box.1": "my-box-1",
    "a--": "a",
    "7": "7",
    ___: "sandbox",
    [`${"a".repeat(62)}-b`]: "a".repeat(62),
    ["b".repeat(64)]: "b".repeat(63),
  };
  for (const [name, hostname] of Object.entries(hostnames)) {
    it(`${name} calls its host ${hostname}`, () => assert.equal(hostnameFor(name), hostname));
  }
});
