import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { relative } from "node:path";
import { describe, it } from "node:test";
import { type CommandDefinition, type CommandNode, isGroup } from "../../src/cli/command.js";
import { commands } from "../../src/cli/commands/index.js";
import { argumentsOf, flagsOf } from "../../src/cli/commander/register.js";
import { commonFlags } from "../../src/cli/flags/common.js";
import { flatten, describe as describeTree } from "../../src/cli/reference/describe.js";
import { leafPaths } from "./support/command-tree.js";

const noModule: { readonly define: CommandDefinition } = { define: {} };

const directory = "src/cli/commands";

describe("the tree of commands", () => {
  it("is the tree of files", () => {
    const files = readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== "index.ts")
      .map((entry) => relative(directory, `${entry.parentPath}/${entry.name}`).replace(/\.ts$/, ""));
    assert.deepEqual(
      files.sort(),
      leafPaths()
        .map((path) => path.join("/"))
        .sort(),
    );
  });

  it("has names and aliases that mean one thing each", () => {
    const check = (node: CommandNode): void => {
      if (!isGroup(node)) return;
      const names = Object.entries(node.commands).flatMap(([name, child]) => [
        name,
        ...(child.aliases ?? []),
      ]);
      assert.equal(new Set(names).size, names.length, names.join(" "));
      Object.values(node.commands).forEach(check);
    };
    check(commands);
  });

  it("says of everything what it is, and shows how it is used", async () => {
    for (const each of flatten(await describeTree(commands, ["tenki"]))) {
      const name = each.path.join(" ");
      assert.match(each.summary, /^[a-z].*[^.]$/, `${name}: ${each.summary}`);
      for (const flag of each.flags) assert.notEqual(flag.spec.summary, "", `${name} ${flag.name}`);
      for (const [line] of each.examples) assert.ok(line.includes("tenki "), `${name}: ${line}`);
    }
  });

  it("gives no flag of a command's own the name or the letter of a common one, --timeout apart", async () => {
    const letters = new Set(
      Object.values(commonFlags)
        .map(({ short }) => short)
        .filter((short) => short !== undefined),
    );
    const check = async (node: CommandNode, name: string): Promise<void> => {
      if (isGroup(node)) {
        for (const [word, child] of Object.entries(node.commands)) await check(child, `${name} ${word}`);
        if (node.load === undefined) return;
      }
      const { define } = (await node.load?.()) ?? noModule;
      for (const [key, { short }] of Object.entries(flagsOf(define))) {
        assert.ok(key === "timeout" || !(key in commonFlags), `${name} --${key}`);
        assert.ok(short === undefined || !letters.has(short), `${name} -${short}`);
        assert.ok(!(key in (define.arguments ?? {})), `${name}: ${key} is a flag and an argument`);
      }
      const kinds = Object.values(argumentsOf(define)).map(({ kind }) => kind);
      assert.ok(
        kinds.slice(0, -1).every((kind) => kind !== "variadic"),
        `${name}: words behind the last`,
      );
    };
    await check(commands, "tenki");
  });
});
