// Runs the usual commands in one process, as bin/tenki loads them, and keeps what V8 has compiled by then.
"use strict";
const { readFileSync, renameSync, writeFileSync } = require("node:fs");
const Module = require("node:module");
const path = require("node:path");
const vm = require("node:vm");

const dist = path.join(__dirname, "..", "dist");
const usual = [
  ["--help"],
  ["sandbox", "list"],
  ["sandbox", "exec", "-q", "--session", "0190d3c5-0000-7000-8000-000000000001", "--", "true"],
  ["sandbox", "ssh-proxy", "--session", "0190d3c5-0000-7000-8000-000000000001"],
  ["sandbox", "exec", "--json", "--session", "0190d3c5-0000-7000-8000-000000000002", "-c", "true"],
];
const parts = new Map();

void run();

async function run() {
  const { main, processIo } = load("tenki.cjs");
  for (const args of usual) {
    const code = await main(args, processIo(__filename));
    if (code !== 0) throw new Error(`tenki ${args.join(" ")} ended with ${code}`);
  }
  for (const [name, { script }] of parts) {
    const cache = path.join(dist, `${name}.${process.versions.v8}-${process.arch}.cache`);
    writeFileSync(`${cache}.tmp`, script.createCachedData());
    renameSync(`${cache}.tmp`, cache);
  }
}

function load(name) {
  const known = parts.get(name);
  if (known !== undefined) return known.module.exports;
  const file = path.join(dist, name);
  const script = new vm.Script(Module.wrap(readFileSync(file, "latin1")), { filename: file });
  const module = { exports: {} };
  parts.set(name, { script, module });
  const require = Module.createRequire(file);
  const requireFromBundle = (asked) =>
    asked.startsWith("./") ? load(asked.slice("./".length)) : require(asked);
  script.runInThisContext()(module.exports, requireFromBundle, module, file, dist);
  return module.exports;
}
