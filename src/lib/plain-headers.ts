type HeadersInit = Iterable<readonly [string, string]> | Readonly<Record<string, string>>;

/**
 * Stands in for the global `Headers` in the command line's bundle, as the fetch standard has it: Node loads a whole
 * HTTP client when that one is first looked at, and none is wanted.
 */
export class PlainHeaders implements Iterable<[string, string]> {
  readonly #values = new Map<string, string[]>();

  constructor(init?: HeadersInit | null) {
    if (init === undefined || init === null) return;
    const entries =
      Symbol.iterator in init ? (init as Iterable<readonly [string, string]>) : Object.entries(init);
    for (const [name, value] of entries) this.append(name, value);
  }

  append(name: string, value: string): void {
    const key = validName(name);
    const known = this.#values.get(key);
    if (known === undefined) this.#values.set(key, [validValue(value)]);
    else known.push(validValue(value));
  }

  set(name: string, value: string): void {
    this.#values.set(validName(name), [validValue(value)]);
  }

  get(name: string): string | null {
    return this.#values.get(validName(name))?.join(", ") ?? null;
  }

  getSetCookie(): string[] {
    return [...(this.#values.get("set-cookie") ?? [])];
  }

  has(name: string): boolean {
    return this.#values.has(validName(name));
  }

  delete(name: string): void {
    this.#values.delete(validName(name));
  }

  forEach(visit: (value: string, name: string, headers: PlainHeaders) => void, self?: unknown): void {
    for (const [name, value] of this) visit.call(self, value, name, this);
  }

  *keys(): Generator<string> {
    for (const [name] of this) yield name;
  }

  *values(): Generator<string> {
    for (const [, value] of this) yield value;
  }

  entries(): Generator<[string, string]> {
    return this[Symbol.iterator]();
  }

  /** By name; cookies are the one header that is not joined. */
  *[Symbol.iterator](): Generator<[string, string]> {
    for (const name of [...this.#values.keys()].sort()) {
      const values = this.#values.get(name) ?? [];
      if (name === "set-cookie") for (const value of values) yield [name, value];
      else yield [name, values.join(", ")];
    }
  }
}

function validName(name: string): string {
  if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/i.test(name)) throw new TypeError(`${name} is an invalid header name`);
  return name.toLowerCase();
}

function validValue(value: string): string {
  const text = value.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
  if (/[\0\n\r]|[^\0-\xff]/.test(text)) throw new TypeError(`${text} is an invalid header value`);
  return text;
}
