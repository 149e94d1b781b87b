import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { it } from "node:test";
import { commands } from "../../src/cli/commands/index.js";
import { describe as describeTree, flatten } from "../../src/cli/reference/describe.js";
import { commandsMarkdown } from "../../src/cli/reference/markdown.js";

it("docs/commands.md is what the commands say", async () => {
  const root = await describeTree(commands, ["tenki"]);
  const page = commandsMarkdown(root);
  for (const { path, flags } of flatten(root).slice(1)) {
    assert.ok(page.includes(`# ${path.join(" ")}\n`), path.join(" "));
    for (const { name } of flags) assert.ok(page.includes(name), name);
  }
  assert.equal(await readFile("docs/commands.md", "utf8"), page, "npm run docs writes it anew");
});
