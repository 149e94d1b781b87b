// Runs the usual commands in one process, as bin/tenki loads them, and keeps what V8 has compiled by then.
"use strict";
const { readFileSync, renameSync, writeFileSync } = require("node:fs");
const Module = require("node:module");
const { dirname, join } = require("node:path");
const vm = require("node:vm");

const bundle = join(__dirname, "..", "dist", "tenki.cjs");
const usual = [
  ["--help"],
  ["sandbox", "list"],
  ["sandbox", "exec", "-q", "--", "true"],
  ["sandbox", "exec", "--json", "-c", "true"],
];

const script = new vm.Script(Module.wrap(readFileSync(bundle, "latin1")), { filename: bundle });
const loaded = { exports: {} };
script.runInThisContext()(loaded.exports, Module.createRequire(bundle), loaded, bundle, dirname(bundle));
void run();

async function run() {
  const { main, processIo } = loaded.exports;
  for (const args of usual) {
    const code = await main(args, processIo(__filename));
    if (code !== 0) throw new Error(`tenki ${args.join(" ")} ended with ${code}`);
  }
  const cache = `${bundle}.${process.versions.v8}-${process.arch}.cache`;
  writeFileSync(`${cache}.tmp`, script.createCachedData());
  renameSync(`${cache}.tmp`, cache);
}
