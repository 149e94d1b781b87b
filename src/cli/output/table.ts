import { printable } from "./printable.js";
import type { Column, Fields } from "./view.js";

const gap = 2;
const narrowest = 8;

/** A header row in upper case and a row per item; cut to `width` where there is one, never elsewhere. */
export function tableText(
  items: readonly Fields[],
  columns: readonly Column[],
  width: number | undefined,
): string {
  const rows = [
    columns.map(({ header }) => header),
    ...items.map((item) => columns.map((each) => printable(each.cell(item)))),
  ];
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  if (width !== undefined) shrink(widths, width);
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, at) => fit(cell, widths[at] ?? 0))
          .join(" ".repeat(gap))
          .trimEnd()}\n`,
    )
    .join("");
}

/** Takes from the widest column until the row fits, down to what is still readable. */
function shrink(widths: number[], width: number): void {
  const total = () => widths.reduce((sum, each) => sum + each, gap * (widths.length - 1));
  while (total() > width) {
    const widest = widths.indexOf(Math.max(...widths));
    const current = widths[widest] ?? 0;
    if (current <= narrowest) return;
    widths[widest] = current - 1;
  }
}

const fit = (cell: string, width: number): string =>
  cell.length > width ? `${cell.slice(0, width - 1)}…` : cell.padEnd(width);
