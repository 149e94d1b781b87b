// Writes docs/commands.md from the commands themselves. With --check nothing is written: it fails when what is there is
// not what it would be.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const path = join(root, "docs/commands.md");
const fresh = await render();
if (!process.argv.includes("--check")) writeFileSync(path, fresh);
else if (read(path) !== fresh) {
  console.error("docs/commands.md is not what the commands say: npm run docs");
  process.exitCode = 1;
}

async function render() {
  const directory = mkdtempSync(join(tmpdir(), "tenki-docs-"));
  const outfile = join(directory, "reference.cjs");
  try {
    await build({
      stdin: {
        contents:
          'export { describe } from "./src/cli/reference/describe.js"; export { commandsMarkdown } from "./src/cli/reference/markdown.js"; export { commands } from "./src/cli/commands/index.js";',
        resolveDir: root,
        loader: "ts",
      },
      bundle: true,
      platform: "node",
      format: "cjs",
      external: ["@photostructure/sqlite"],
      logLevel: "error",
      outfile,
    });
    const { describe, commandsMarkdown, commands } = (await import(pathToFileURL(outfile).href)).default;
    return commandsMarkdown(await describe(commands, ["tenki"]));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
