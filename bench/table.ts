import type { Row } from "./measure.js";

/** Prints the rows for a person: medians, and what has a budget beside it. */
export function printTable(
  machine: { readonly node: string; readonly cpus: number; readonly model: string },
  rows: readonly Row[],
  notes: readonly string[],
): void {
  const table = [["WHAT", "OURS", "AGAINST", "THEIRS", "RATIO", "AT MOST"], ...rows.map(cells)];
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

function cells(row: Row): string[] {
  if ("amount" in row) {
    const verdict = row.budget === undefined ? "" : `${row.budget} ${row.unit} ${toWord(row.holds)}`;
    return [row.name, `${row.amount.toFixed(1)} ${row.unit}`, "", "", "", verdict];
  }
  const { theirsMs, ratio } = row;
  return [
    row.name,
    `${row.oursMs.toFixed(1)} ms`,
    row.against,
    theirsMs === undefined ? "not here" : `${theirsMs.toFixed(1)} ms`,
    ratio === undefined ? "" : ratio.toFixed(2),
    row.budget === undefined || ratio === undefined ? "" : `${row.budget} ${toWord(row.holds)}`,
  ];
}

const toWord = (holds: boolean | undefined): string => (holds ? "holds" : "MISSED");
