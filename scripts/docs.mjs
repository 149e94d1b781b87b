// Writes docs/commands.md from the commands themselves.
//   docs.mjs [--check]     --check: fails where the file differs, and writes nothing
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

const root = new URL("..", import.meta.url).pathname;
const page = join(root, "docs", "commands.md");

const text = await generate();
if (!process.argv.includes("--check")) await writeFile(page, text);
else if ((await readFile(page, "utf8").catch(() => "")) !== text) {
  process.stderr.write("docs/commands.md is not what the commands say: run npm run docs\n");
  process.exitCode = 1;
}

/** The commands are TypeScript: they are bundled, loaded once, and thrown away. */
async function generate() {
  const directory = await mkdtemp(join(tmpdir(), "tenki-docs-"));
  const bundle = join(directory, "reference.cjs");
  try {
    await build({
      stdin: {
        contents: `
          export { commands } from "./src/cli/commands/index.js";
          export { describe } from "./src/cli/reference/describe.js";
          export { commandsMarkdown } from "./src/cli/reference/markdown.js";`,
        resolveDir: root,
        loader: "ts",
      },
      outfile: bundle,
      bundle: true,
      platform: "node",
      format: "cjs",
      external: ["@photostructure/sqlite"],
      logLevel: "error",
    });
    const { default: loaded } = await import(bundle);
    return loaded.commandsMarkdown(await loaded.describe(loaded.commands, ["tenki"]));
  } finally {
    await rm(directory, { recursive: true });
  }
}
