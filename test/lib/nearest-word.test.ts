import assert from "node:assert/strict";
import { it } from "node:test";
import { nearestWord } from "../../src/lib/nearest-word.js";

const words = ["list", "login", "logout", "sandbox", "terminate", "get", "set"];

for (const [word, meant] of [
  ["lst", "list"],
  ["lsit", "list"],
  ["sandbx", "sandbox"],
  ["terminat", "terminate"],
  ["logon", "login"],
  ["termin", "terminate"],
  ["gte", "get"],
  ["frobnicate", undefined],
  ["x", undefined],
  ["", undefined],
] as const) {
  it(`${JSON.stringify(word)} is ${meant ?? "like nothing"}`, () =>
    assert.equal(nearestWord(word, words), meant));
}
