// Builds dist/: the command line, the engine and the library as one file each, the library's types, and the program
// that is pid 1 in every sandbox.
//   build.mjs [cli] [engine] [client] [types] [guest]     default: all of them
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename } from "node:path";
import { build } from "esbuild";
import { grpcAlone, slowBuiltinsLate } from "./light-start.mjs";

const root = new URL("..", import.meta.url).pathname;
process.chdir(root);

const common = {
  bundle: true,
  platform: "node",
  target: "node20.19",
  legalComments: "none",
  logLevel: "warning",
  sourcemap: "linked",
  sourcesContent: false,
};

/** For what is loaded with `require`: without `import()` in it, V8's code cache covers all of it. */
const commonJs = {
  ...common,
  format: "cjs",
  supported: { "dynamic-import": false },
  banner: { js: 'const __moduleUrl = require("node:url").pathToFileURL(__filename).href;' },
  define: { "import.meta.url": "__moduleUrl" },
  minifySyntax: true,
  minifyWhitespace: true,
};

/** The command line reaches the engine through a file of its own, which is loaded when an engine is started. */
const engineApart = {
  name: "engine-apart",
  setup({ onResolve }) {
    onResolve({ filter: /\/engine\/(main|doctor\/run-doctor)\.js$/ }, ({ importer }) =>
      importer.includes("/src/cli/") ? { path: "./engine.cjs", external: true } : undefined,
    );
  },
};

/** So is what the shortest way to run a command does without: the gRPC library, and what few commands use. */
const seldomUsed = {
  ora: 'export { default } from "ora";',
  ws: 'export * from "ws";',
  yaml: 'export * from "yaml";',
};
const seldomUsedApart = {
  name: "seldom-used-apart",
  setup({ onResolve }) {
    const names = new RegExp(`^(\\./grpc\\.js|${Object.keys(seldomUsed).join("|")})$`);
    onResolve({ filter: names }, ({ path, importer }) =>
      importer.includes("/src/") ? { path: `./${basename(path, ".js")}.cjs`, external: true } : undefined,
    );
  },
};

const lightCommonJs = { ...commonJs, inject: ["src/lib/light-globals.ts"] };

const parts = {
  async cli() {
    await Promise.all([
      build({
        ...lightCommonJs,
        entryPoints: ["src/main.ts"],
        outfile: "dist/tenki.cjs",
        plugins: [engineApart, seldomUsedApart, slowBuiltinsLate],
      }),
      build({
        ...lightCommonJs,
        entryPoints: ["src/client/grpc.ts"],
        outfile: "dist/grpc.cjs",
        plugins: [grpcAlone, slowBuiltinsLate],
      }),
      ...Object.entries(seldomUsed).map(([name, contents]) =>
        build({
          ...lightCommonJs,
          stdin: { contents, resolveDir: root },
          outfile: `dist/${name}.cjs`,
          plugins: [slowBuiltinsLate],
        }),
      ),
    ]);
    await run(process.execPath, "scripts/warm-code-cache.mjs");
  },
  engine: () =>
    build({
      ...commonJs,
      stdin: {
        contents: 'export * from "./src/engine/main.js"; export * from "./src/engine/doctor/run-doctor.js";',
        resolveDir: root,
        loader: "ts",
      },
      outfile: "dist/engine.cjs",
      // A native addon, which finds its binary beside itself; and what only sandboxes with a list need.
      external: ["@photostructure/sqlite", "dns-packet"],
    }),
  client: () =>
    build({
      ...common,
      format: "esm",
      packages: "external",
      entryPoints: ["src/client/index.ts"],
      outfile: "dist/client.js",
    }),
  types: () => run("npx", "tsc", "-p", "tsconfig.types.json"),
  guest: () => (existsSync("scripts/build-guest.sh") ? run("bash", "scripts/build-guest.sh") : undefined),
};

await mkdir("dist", { recursive: true });
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in parts));
if (unknown.length > 0)
  throw new Error(`unknown part: ${unknown.join(", ")}; there are ${Object.keys(parts).join(", ")}`);
await Promise.all((asked.length > 0 ? asked : Object.keys(parts)).map((name) => parts[name]()));

function run(program, ...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}`)),
    );
  });
}
