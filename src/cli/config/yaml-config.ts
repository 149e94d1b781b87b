import { isMap, isScalar, LineCounter, parseDocument } from "yaml";
import { TenkiError } from "../../domain/error.js";

/** Reads a config file that is more than plain lines; what is not a scalar belongs to other programs. */
export function readYamlConfig(text: string, path: string): Map<string, string> {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const [problem] = document.errors;
  if (problem !== undefined) {
    // What is not closed is found at the end of the text: behind its last line there is none.
    const lastLine = text.trimEnd().split("\n").length;
    throw damaged(
      path,
      `line ${Math.min(lineCounter.linePos(problem.pos[0]).line, lastLine)}: ${problem.message.split("\n")[0] ?? ""}`,
    );
  }
  if (document.contents === null) return new Map();
  if (!isMap(document.contents)) throw damaged(path, "line 1: it holds no `key: value`");
  const values = new Map<string, string>();
  for (const { key, value } of document.contents.items) {
    if (isScalar(key) && isScalar(value) && value.value !== null)
      values.set(key.value as string, `${value.value as string | number | boolean}`);
  }
  return values;
}

const damaged = (path: string, why: string): TenkiError =>
  new TenkiError("failed_precondition", `the config file ${path} is damaged, ${why}`, {
    hint: "mend that line, or move the file away and log in again: tenki login",
  });
