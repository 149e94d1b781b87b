/** A path as ssh reads it in its config: between quotes where it has to be. A % begins a name for something there. */
export function sshValue(path: string): string {
  const value = path.replaceAll("%", "%%");
  return /^[\w+,./:@~%-]+$/.test(value) ? value : quoted(value);
}

/** The same where % keeps its meaning. */
export const quoted = (text: string): string => `"${text.replace(/["\\]/g, "\\$&")}"`;
