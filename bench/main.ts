import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { openBench, type Bench } from "./bench.js";
import { measure, type Amount, type Comparison, type Row } from "./measure.js";
import { commandRows } from "./rows/commands.js";
import { fileRows } from "./rows/files.js";
import { listRows } from "./rows/lists.js";
import { memoryRows } from "./rows/memory.js";
import { portRows } from "./rows/ports.js";
import { sessionRows } from "./rows/sessions.js";
import { snapshotRows } from "./rows/snapshots.js";
import { sshRows } from "./rows/ssh.js";
import { streamRows } from "./rows/streams.js";
import { printTable } from "./table.js";

const themes: readonly ((bench: Bench) => readonly (Comparison | Amount)[])[] = [
  commandRows,
  streamRows,
  fileRows,
  sessionRows,
  snapshotRows,
  memoryRows,
  listRows,
  sshRows,
  portRows,
];

const { values: flags, positionals: words } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, quick: { type: "boolean", default: false } },
});

const bench = openBench(flags);
const rows = themes
  .flatMap((rowsOf) => rowsOf(bench))
  .filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
if (rows.length === 0) {
  process.stderr.write(`error: no row has any of these words in its name: ${words.join(" ")}\n`);
  process.exit(2);
}
const interrupted = new Promise<never>((_, reject) => {
  process.once("SIGINT", () => reject(new Error("interrupted")));
});
interrupted.catch(() => undefined);
const measured: Row[] = [];
try {
  for (const row of rows) {
    process.stderr.write(`${row.name} …\n`);
    measured.push(await Promise.race([measure(row), interrupted]));
  }
} finally {
  print(measured, bench.notes);
  await bench.close();
}

/** What there is, where not all could be measured. */
function print(all: readonly Row[], notes: readonly string[]): void {
  const machine = { node: process.version, cpus: cpus().length, model: cpus()[0]?.model.trim() ?? "?" };
  if (flags.json) process.stdout.write(`${JSON.stringify({ machine, rows: all, notes }, null, 2)}\n`);
  else printTable(machine, all, notes);
}
