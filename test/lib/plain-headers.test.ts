import assert from "node:assert/strict";
import { test } from "node:test";
import { PlainHeaders } from "../../src/lib/plain-headers.js";

type Common = Pick<Headers, "append" | "set" | "get" | "has" | "delete" | "entries" | "getSetCookie">;

/** What both kinds are put through; the platform's own says what is right. */
const uses: Readonly<Record<string, (headers: Common) => unknown>> = {
  "names in any case are one name": (headers) => {
    headers.append("X-A", "1");
    headers.append("x-a", "2");
    return [headers.get("x-A"), headers.has("X-a"), [...headers.entries()]];
  },
  "set replaces, delete removes": (headers) => {
    headers.append("a", "1");
    headers.append("b", "1");
    headers.set("A", "2");
    headers.delete("B");
    return [headers.get("a"), headers.get("b"), headers.has("b")];
  },
  "entries are sorted, cookies stay apart": (headers) => {
    headers.append("z", "1");
    headers.append("set-cookie", "b=1");
    headers.append("set-cookie", "a=1");
    headers.append("a", "1");
    return [[...headers.entries()], headers.getSetCookie(), headers.get("set-cookie")];
  },
  "space around a value is no part of it": (headers) => {
    headers.append("a", " \t1 2\r\n ");
    return headers.get("a");
  },
};

for (const [name, use] of Object.entries(uses)) {
  test(name, () => {
    assert.deepEqual(use(new PlainHeaders() as Common), use(new Headers()));
  });
}

test("is made of records, of pairs and of its own kind", () => {
  const pairs = [
    ["B", "2"],
    ["a", "1"],
  ] as const;
  for (const init of [{ B: "2", a: "1" }, pairs, new PlainHeaders(pairs)]) {
    assert.deepEqual([...new PlainHeaders(init)], [...new Headers({ a: "1", b: "2" })]);
  }
});

test("hands out values with their names, and each by itself", () => {
  const headers = new PlainHeaders({ b: "2", a: "1" });
  const seen: string[] = [];
  headers.forEach((value, name) => seen.push(`${name}=${value}`));
  assert.deepEqual(seen, ["a=1", "b=2"]);
  assert.deepEqual(
    [[...headers.keys()], [...headers.values()]],
    [
      ["a", "b"],
      ["1", "2"],
    ],
  );
});

for (const [name, value] of [
  ["a b", "1"],
  ["", "1"],
  ["a", "1\r\nb: 2"],
  ["a", "1\u0000"],
  ["a", "\u0100"],
] as const) {
  test(`refuses ${JSON.stringify(name)}: ${JSON.stringify(value)}, as the platform does`, () => {
    assert.throws(() => new Headers().append(name, value), TypeError);
    assert.throws(() => new PlainHeaders().append(name, value), TypeError);
  });
}
