import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { contractFiles } from "./contract-files.js";
import { describeFiles } from "./descriptor-rows.js";
import { listDifferences } from "./rows.js";
import { readWireRows } from "./wire-rows.js";

describe("generated messages and services", () => {
  it("are the contract's, row by row", () => {
    assert.equal(listDifferences(readWireRows(), describeFiles(contractFiles)), "");
  });

  it("do not load the rules, since the command line parses them at every start", () => {
    const imported = contractFiles.flatMap((file) => file.dependencies.map(({ proto }) => proto.package));
    assert.deepEqual([...new Set(imported)].sort(), ["google.protobuf", "tenki.sandbox.v1"]);
  });
});
