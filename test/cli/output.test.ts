import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { wantsColor } from "../../src/cli/output/color.js";
import { jsonText } from "../../src/cli/output/json.js";
import { render } from "../../src/cli/output/render.js";
import { tableText } from "../../src/cli/output/table.js";
import { objectText } from "../../src/cli/output/text.js";
import {
  column,
  doneView,
  listView,
  liveView,
  objectView,
  textView,
  type View,
} from "../../src/cli/output/view.js";
import { yamlText } from "../../src/cli/output/yaml.js";
import type { Io } from "../../src/cli/io.js";
import { Capture } from "./support/test-io.js";

const date = new Date("2026-01-02T03:04:05.678Z");

describe("output", () => {
  const shown = async (view: View, output: "text" | "json" | "yaml", quiet = false) => {
    const [stdout, stderr] = [new Capture(undefined), new Capture(undefined)];
    await render(view, { stdout, stderr, env: {} } as unknown as Io, {
      ...{ output, quiet, interrupt: () => undefined, signal: new AbortController().signal },
    });
    return { stdout: stdout.text, stderr: stderr.text };
  };

  it("of an object aligns its colons, and leaves out what has no value", () => {
    const fields = {
      id: "a",
      longest_key: 1,
      gone: null,
      none: undefined,
      list: [],
      yes: true,
      at: date,
      map: { k: "v" },
    };
    assert.equal(
      objectText(fields),
      "id          : a\nlongest_key : 1\nlist        : -\nyes         : true\nat          : 2026-01-02T03:04:05.678Z\nmap         : k=v\n",
    );
  });

  it("of an object holds one line per field, whatever is in it", () => {
    assert.equal(
      objectText({ name: "a\nid : evil\u001b[31m\u202e" }),
      "name : a\\nid : evil\\x1b[31m\\u202e\n",
    );
  });

  it("of a list has a header row, and is an empty array where it is empty", async () => {
    const columns = [column("NAME", "name"), column("TAGS", "tags")];
    assert.equal(
      tableText(
        [
          { name: "a", tags: ["x", "y"] },
          { name: "", tags: [] },
        ],
        columns,
        undefined,
      ),
      "NAME  TAGS\na     x,y\n-     -\n",
    );
    assert.deepEqual(await shown(listView([], columns), "json"), { stdout: "[]\n", stderr: "" });
    assert.deepEqual(await shown(listView([], columns), "yaml"), { stdout: "[]\n", stderr: "" });
    assert.deepEqual(await shown(listView([], columns), "text"), { stdout: "NAME  TAGS\n", stderr: "" });
  });

  it("fits a table into a width by its widest columns", () => {
    const columns = [column("ID", "id"), column("TEXT", "text")];
    const table = tableText([{ id: "short", text: "a very long text indeed, longer than all" }], columns, 30);
    assert.equal(table, "ID     TEXT\nshort  a very long text indee…\n");
  });

  it("in JSON and YAML has times in RFC 3339, keeps null, and leaves out undefined", () => {
    const value = { at: date, whole: new Date("2026-01-02T03:04:05Z"), none: null, gone: undefined, n: 5 };
    assert.equal(
      jsonText(value, { compact: true }),
      '{"at":"2026-01-02T03:04:05.678Z","whole":"2026-01-02T03:04:05Z","none":null,"n":5}\n',
    );
    assert.equal(
      yamlText(value),
      "at: 2026-01-02T03:04:05.678Z\nwhole: 2026-01-02T03:04:05Z\nnone: null\nn: 5\n",
    );
  });

  it("tells what was done on stderr, and as data where data is asked for", async () => {
    const view = doneView("it is done", { id: "a" });
    assert.deepEqual(await shown(view, "text"), { stdout: "", stderr: "it is done\n" });
    assert.deepEqual(await shown(view, "text", true), { stdout: "", stderr: "" });
    assert.deepEqual(await shown(view, "json"), { stdout: '{\n  "id": "a"\n}\n', stderr: "" });
  });

  it("prints text as it is, with a line feed at its end", async () => {
    assert.equal((await shown(textView("a", "a"), "text")).stdout, "a\n");
    assert.equal((await shown(textView("a\n", "a"), "text")).stdout, "a\n");
    assert.equal((await shown(textView("a", { v: "a" }), "yaml")).stdout, "v: a\n");
  });

  it("prints what goes on as one document a line", async () => {
    const view = () =>
      liveView(
        (async function* () {
          yield objectView({ n: 1 });
          yield objectView({ n: 2 });
        })(),
      );
    assert.equal((await shown(view(), "json")).stdout, '{"n":1}\n{"n":2}\n');
    assert.equal((await shown(view(), "yaml")).stdout, "---\nn: 1\n---\nn: 2\n");
    assert.equal((await shown(view(), "text")).stdout, "n : 1\nn : 2\n");
  });
});

describe("colours", () => {
  const terminal = new Capture(80);
  const pipe = new Capture(undefined);
  const cases: readonly (readonly [string, Record<string, string>, Capture, boolean | undefined, boolean])[] =
    [
      ["on a terminal", {}, terminal, undefined, true],
      ["not in a pipe", {}, pipe, undefined, false],
      ["not with NO_COLOR", { NO_COLOR: "1" }, terminal, undefined, false],
      ["with an empty NO_COLOR", { NO_COLOR: "" }, terminal, undefined, true],
      ["not on a dumb terminal", { TERM: "dumb" }, terminal, undefined, false],
      ["in a pipe with FORCE_COLOR", { FORCE_COLOR: "1" }, pipe, undefined, true],
      ["not with FORCE_COLOR=0", { FORCE_COLOR: "0" }, terminal, undefined, false],
      ["with FORCE_COLOR before NO_COLOR", { FORCE_COLOR: "1", NO_COLOR: "1" }, pipe, undefined, true],
      ["not with --no-color, whatever else", { FORCE_COLOR: "1" }, terminal, false, false],
    ];
  for (const [name, env, stream, flag, expected] of cases) {
    it(name, () => assert.equal(wantsColor({ env }, stream, flag), expected));
  }
});
