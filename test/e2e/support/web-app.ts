import { cpSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const files: Readonly<Record<string, string>> = {
  "package.json": '{ "type": "module", "scripts": { "dev": "vite" } }',
  "index.html": '<!doctype html><title>app</title><h1></h1><script type="module" src="/main.js"></script>',
  "main.js": `import "./style.css";
import { greeting } from "./greeting.js";
const show = (words) => (document.querySelector("h1").textContent = words);
show(greeting);
import.meta.hot.accept("./greeting.js", (changed) => show(changed.greeting));
`,
  "greeting.js": 'export const greeting = "hello from inside";\n',
  "style.css": "h1 { color: rgb(0, 0, 255); }\n",
};

/** A project as a developer has one: sources, and Vite with all that it needs in node_modules. */
export function makeWebApp(directory: string): void {
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  copyPackages("vite", import.meta.url, join(directory, "node_modules"));
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** A package and what it depends on, as far as this machine has it: the native parts are those of its own kind. */
function copyPackages(name: string, from: string, target: string, copied = new Set<string>()): void {
  if (copied.has(name)) return;
  const source = findPackage(name, from);
  if (source === undefined) return;
  copied.add(name);
  cpSync(source, join(target, name), { recursive: true });
  const manifestPath = join(source, "package.json");
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(manifestPath, "utf8")) as Manifest;
  for (const needed of Object.keys({ ...dependencies, ...optionalDependencies }))
    copyPackages(needed, manifestPath, target, copied);
}

/** Where Node would look for it; a package need not tell of its own package.json. */
function findPackage(name: string, from: string): string | undefined {
  for (const place of createRequire(from).resolve.paths(name) ?? []) {
    try {
      return dirname(realpathSync(join(place, name, "package.json")));
    } catch {
      // The next one.
    }
  }
  return undefined;
}
