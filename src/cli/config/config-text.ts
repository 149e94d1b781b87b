/**
 * The config file as text: one `key: value` a line at the top level. Plain files are read and changed here,
 * without a YAML library, which takes longer to load than most commands run; `undefined` says that the file
 * is more than that.
 */
export function readPlainConfig(text: string): Map<string, string> | undefined {
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    if (/^\s*(#.*)?$/.test(line)) continue;
    const [, key, written] = /^([A-Za-z_][\w-]*):(?:[ \t]+(.*?))?[ \t]*\r?$/.exec(line) ?? [];
    const value = readScalar(written ?? "");
    if (key === undefined || value === undefined || values.has(key)) return undefined;
    if (value !== null) values.set(key, value);
  }
  return values;
}

/** The text with one key changed, added or (undefined) removed; comments and everything else stay. */
export function setInConfigText(text: string, key: string, value: string | undefined): string {
  const lines = text === "" ? [] : text.replace(/\n$/, "").split("\n");
  const start = lines.findIndex((line) => new RegExp(`^(?:${key}|"${key}"|'${key}')\\s*:`).test(line));
  const written = value === undefined ? [] : [`${key}: ${writeScalar(value)}`];
  if (start < 0) lines.push(...written);
  else lines.splice(start, entryLength(lines, start), ...written);
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

/** How many lines an entry takes: what is indented below its key, or a list at its own column, is its value. */
function entryLength(lines: readonly string[], start: number): number {
  let end = start + 1;
  for (let at = end; at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    if (line.trim() === "") continue;
    if (!/^(\s|-(\s|$))/.test(line)) break;
    end = at + 1;
  }
  return end - start;
}

/** Null: a value that is none; undefined: more than a plain or a quoted scalar on one line. */
function readScalar(written: string): string | null | undefined {
  if (/^(~|null|Null|NULL|#.*)?$/.test(written)) return null;
  const quoted = /^'((?:[^']|'')*)'(?:\s+#.*)?$/.exec(written);
  if (quoted?.[1] !== undefined) return quoted[1].replaceAll("''", "'");
  const escaped = /^("(?:[^"\\]|\\["\\/bfnrt])*")(?:\s+#.*)?$/.exec(written);
  if (escaped?.[1] !== undefined) return JSON.parse(escaped[1]) as string;
  const plain = /^([\w./+~$(=^-][^#"'{}[\]]*?)(?:\s+#.*)?$/.exec(written)?.[1];
  return plain === undefined || /^[-?](\s|$)|:(\s|$)/.test(plain) ? undefined : plain;
}

/** As it is where YAML reads it back as the same text, in double quotes elsewhere. */
function writeScalar(value: string): string {
  const isPlain = /^[A-Za-z_/][\w./:+@~=-]*$/.test(value) && !value.endsWith(":");
  const isWord = /^(true|false|null|yes|no|on|off|y|n)$/i.test(value);
  return isPlain && !isWord ? value : JSON.stringify(value);
}
