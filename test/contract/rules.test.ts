import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { contractMessages } from "./contract-files.js";
import { listDifferences } from "./rows.js";
import { describeDeprecated, describeRules, readDeprecatedRows, readRuleRows } from "./rule-rows.js";

describe("generated rules", () => {
  it("are the contract's, row by row", () => {
    assert.equal(listDifferences(readRuleRows(), describeRules()), "");
  });

  it("leave deprecated what the contract lists so", () => {
    assert.equal(listDifferences(readDeprecatedRows(), describeDeprecated(contractMessages)), "");
  });
});
