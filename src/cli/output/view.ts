import { formatByteSize } from "../../lib/byte-size.js";

/** What a user sees of something: written by hand per noun, so that a change of the wire changes nothing here. */
export type Value = string | number | boolean | null | undefined | Date | readonly Value[] | Fields;

/** Keys in snake_case, in the order in which they are shown; undefined is left out. */
export interface Fields {
  readonly [key: string]: Value;
}

export interface Column {
  readonly header: string;
  cell(item: Fields): string;
}

/** What a command shows; `output/render.ts` makes text, JSON or YAML of it. */
export type View =
  | { readonly kind: "object"; readonly fields: Fields; readonly text?: Fields | undefined }
  | { readonly kind: "list"; readonly items: readonly Fields[]; readonly columns: readonly Column[] }
  /** A table with a line below it; in JSON and YAML an object. */
  | {
      readonly kind: "report";
      readonly fields: Fields;
      readonly items: readonly Fields[];
      readonly columns: readonly Column[];
      readonly summary: string;
    }
  /** Text as it is, with a line feed at its end; the value in JSON and YAML. */
  | { readonly kind: "text"; readonly text: string; readonly value: Value }
  /** Something was done: a line on stderr unless `--quiet`; the fields in JSON and YAML. */
  | { readonly kind: "done"; readonly message: string; readonly fields: Fields }
  /** What goes on: one after another; in JSON one document a line. */
  | { readonly kind: "live"; readonly views: AsyncIterable<View>; readonly screen?: Screen | undefined };

/** What goes on is shown in one place of a terminal, each time over what was there. */
export interface Screen {
  /** Its first line. */
  readonly title: string;
  /** Somebody pressed q: no view is wanted any more. */
  quit(): void;
}

/** `text`: what a person sees, where that is less, or flatter. */
export const objectView = (fields: Fields, text?: Fields): View => ({ kind: "object", fields, text });

export const listView = (items: readonly Fields[], columns: readonly Column[]): View => ({
  kind: "list",
  items,
  columns,
});

export const textView = (text: string, value: Value): View => ({ kind: "text", text, value });

export const doneView = (message: string, fields: Fields): View => ({ kind: "done", message, fields });

export const liveView = (views: AsyncIterable<View>, screen?: Screen): View => ({
  kind: "live",
  views,
  screen,
});

/** A column that shows one field, `-` where it is empty. */
export const column = (header: string, key: string): Column => ({
  header,
  cell: (item) => cellText(item[key]),
});

function cellText(value: Value): string {
  if (value === null || value === undefined || value === "") return "-";
  return value instanceof Date
    ? formatTime(value)
    : Array.isArray(value)
      ? value.join(",") || "-"
      : typeof value === "object"
        ? JSON.stringify(value)
        : String(value);
}

/** RFC 3339, without a fraction where there is none. */
export const formatTime = (date: Date): string => date.toISOString().replace(".000Z", "Z");

/** A size as one word, for a column: `1.5GiB`. */
export const sizeText = (bytes: number): string => formatByteSize(bytes).replace(" ", "");
