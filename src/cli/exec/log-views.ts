import type { CommandOutput } from "../../domain/command.js";
import { objectView, type View } from "../output/view.js";
import { encodeTexts } from "./captured-output.js";
import { Utf8Pieces } from "./utf8-pieces.js";

/** Each piece of output as a document of its own. */
export async function* logViews(output: AsyncIterable<CommandOutput>): AsyncGenerator<View, void, undefined> {
  const pieces = { stdout: new Utf8Pieces(), stderr: new Utf8Pieces() };
  for await (const { kind, data } of output) yield* viewOf(kind, pieces[kind].next(data));
  for (const kind of ["stdout", "stderr"] as const) yield* viewOf(kind, pieces[kind].end());
}

const viewOf = (stream: string, data: Buffer): View[] =>
  data.length === 0 ? [] : [objectView({ stream, ...encodeTexts({ data }) })];
