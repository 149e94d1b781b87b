import type { Row } from "./measure.js";

/** Prints the rows for a person: medians, and the ratio beside its budget. */
export function printTable(
  machine: { readonly node: string; readonly cpus: number; readonly model: string },
  rows: readonly Row[],
  notes: readonly string[],
): void {
  const cells = rows.map((row) => [
    row.name,
    `${row.oursMs.toFixed(1)} ms`,
    row.against === undefined ? "" : row.against,
    row.theirsMs === undefined ? "" : `${row.theirsMs.toFixed(1)} ms`,
    row.ratio === undefined ? "" : row.ratio.toFixed(2),
    row.budget === undefined || row.ratio === undefined
      ? ""
      : `${row.budget} ${row.ratio <= row.budget ? "holds" : "MISSED"}`,
  ]);
  const table = [["WHAT", "OURS", "AGAINST", "THEIRS", "RATIO", "AT MOST"], ...cells];
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0))) ?? [];
  const lines = table.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const head = `node ${machine.node}, ${machine.cpus} × ${machine.model}; medians of alternating runs`;
  process.stdout.write(`${[head, "", ...lines, "", ...notes].join("\n").trimEnd()}\n`);
}
