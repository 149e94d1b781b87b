// Generates src/gen from proto/. With --check nothing is written: it fails when what is there is not what it would be.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { buildImage } from "./gen/build-image.mjs";
import { generateMessages } from "./gen/generate-messages.mjs";
import { generateRules } from "./gen/generate-rules.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const genDir = join(root, "src/gen");
const binDir = join(root, "node_modules/.bin");

process.exitCode = main(process.argv.includes("--check"));

function main(checkOnly) {
  const image = buildImage(join(root, "proto"), join(binDir, "buf"));
  const ours = image.file.filter((file) => ["tenki.sandbox.v1", "tenki.engine.v1"].includes(file.package));
  const messages = generateMessages(image, ours, join(binDir, "protoc-gen-es"));
  const fresh = new Map([...messages, ...generateRules(ours)]);
  const committed = readTree(genDir);
  if (checkOnly) {
    return check(fresh, committed);
  }
  write(fresh, committed);
  return 0;
}

function check(fresh, committed) {
  const paths = new Set([...fresh.keys(), ...committed.keys()]);
  const stale = [...paths].filter((path) => fresh.get(path) !== committed.get(path));
  stale.forEach((path) => console.error(`src/gen/${path} is not what proto/ generates; run: npm run gen`));
  return stale.length === 0 ? 0 : 1;
}

function write(fresh, committed) {
  for (const path of committed.keys()) {
    if (!fresh.has(path)) {
      rmSync(join(genDir, path));
    }
  }
  for (const [path, text] of fresh) {
    mkdirSync(dirname(join(genDir, path)), { recursive: true });
    writeFileSync(join(genDir, path), text);
  }
}

function readTree(dir) {
  if (!existsSync(dir)) {
    return new Map();
  }
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = entries.map((entry) => relative(dir, join(entry.parentPath, entry.name)));
  return new Map(paths.map((path) => [path, readFileSync(join(dir, path), "utf8")]));
}
