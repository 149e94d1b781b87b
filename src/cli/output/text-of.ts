import type { Io } from "../io.js";
import { tableText } from "./table.js";
import { objectText } from "./text.js";
import type { View } from "./view.js";

type Table = Extract<View, { kind: "list" }>;
export type Shown = Exclude<View, { kind: "live" }>;

/** One view as a person reads it. */
export function textOf(view: Exclude<Shown, { kind: "done" }>, io: Pick<Io, "stdout">): string {
  if (view.kind === "object") return objectText(view.text ?? view.fields);
  if (view.kind === "report") return `${table(view, io)}${view.summary}\n`;
  if (view.kind === "text") return view.text.endsWith("\n") ? view.text : `${view.text}\n`;
  return table(view, io);
}

const table = (
  { items, columns }: Pick<Table, "items" | "columns">,
  { stdout }: Pick<Io, "stdout">,
): string => tableText(items, columns, stdout.isTTY === true ? stdout.columns : undefined);
