import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { openBench, type Bench } from "./bench.js";
import { measure, type Amount, type Comparison, type Row } from "./measure.js";
import { commandRows } from "./rows/commands.js";
import { listRows } from "./rows/lists.js";
import { portRows } from "./rows/ports.js";
import { sessionRows } from "./rows/sessions.js";
import { sshRows } from "./rows/ssh.js";
import { streamRows } from "./rows/streams.js";
import { printTable } from "./table.js";

const themes: readonly ((bench: Bench) => readonly (Comparison | Amount)[])[] = [
  commandRows,
  streamRows,
  sessionRows,
  listRows,
  sshRows,
  portRows,
];

const { values: flags, positionals: words } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, quick: { type: "boolean", default: false } },
});

const bench = openBench(flags);
try {
  const rows: Row[] = [];
  for (const row of themes.flatMap((rowsOf) => rowsOf(bench))) {
    if (words.length > 0 && !words.some((word) => row.name.includes(word))) continue;
    process.stderr.write(`${row.name} …\n`);
    rows.push(await measure(row));
  }
  const machine = { node: process.version, cpus: cpus().length, model: cpus()[0]?.model.trim() ?? "?" };
  if (flags.json) process.stdout.write(`${JSON.stringify({ machine, rows, notes: bench.notes }, null, 2)}\n`);
  else printTable(machine, rows, bench.notes);
} finally {
  await bench.close();
}
