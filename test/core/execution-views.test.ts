import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { ExecutionBench } from "./execution-bench.js";
import { settle } from "./fake-clock.js";
import { refused } from "./refused.js";

let bench: ExecutionBench;
beforeEach(async () => void (bench = await ExecutionBench.open()));
afterEach(() => bench.close());

const begin = async (...argv: string[]) => (await bench.start(argv, { takesInput: true })).id;

describe("attaching to an execution", () => {
  it("shows everything, however late, and how it ended", async () => {
    const id = await begin("fail", "sorry", "9");
    const early = await bench.attach(id);
    assert.deepEqual([(await early.end())?.exitCode, early.text], [9, "sorry\n"]);
    const late = await bench.attach(id);
    assert.deepEqual([(await late.end())?.exitCode, late.text, late.view.pid], [9, "sorry\n", 0]);
    assert.throws(() => late.view.signal("TERM"), refused("failed_precondition", "state=FAILED"));
  });

  it("begins where it is asked to", async () => {
    const id = (await bench.start(["echo", "0123456789"])).id;
    await bench.ended(id);
    const seen = async (range: Parameters<ExecutionBench["attach"]>[1]) => {
      const one = await bench.attach(id, range);
      await one.end();
      return [one.view.outputOffset, one.text];
    };
    assert.deepEqual(await seen({ outputOffset: 4 }), [4, "456789\n"]);
    assert.deepEqual(await seen({ outputOffset: 11 }), [11, ""]);
    assert.deepEqual(await seen({ tailBytes: 3 }), [8, "89\n"]);
    assert.deepEqual(await seen({ tailBytes: 300 }), [0, "0123456789\n"]);
    await assert.rejects(bench.attach(id, { outputOffset: 12 }), refused("out_of_range", "11 bytes"));
  });

  it("ends behind what there is where it does not follow", async () => {
    const id = await begin("cat");
    const typist = await bench.attach(id);
    typist.type("one\n");
    await typist.until("one\n");
    const look = await bench.attach(id, { follow: false });
    assert.deepEqual([await look.end(), look.text], [undefined, "one\n"]);
    typist.view.closeStdin();
    await typist.end();
  });

  it("goes on for the others when one leaves, in either way", async () => {
    const id = await begin("cat");
    const [stays, closes, detaches] = [
      await bench.attach(id),
      await bench.attach(id),
      await bench.attach(id),
    ];
    stays.type("one\n");
    for (const seen of [stays, closes, detaches]) await seen.until("one\n");
    closes.view.close();
    detaches.view.detach();
    assert.deepEqual([await closes.end(), await detaches.end()], [undefined, undefined]);
    stays.type("two\n");
    await stays.until("two\n");
    assert.equal(bench.executions.get(id).state, "RUNNING");
    stays.view.closeStdin();
    assert.equal((await stays.end())?.exitCode, 0);
  });

  it("holds nobody back by reading slowly or not at all", async () => {
    const id = (await bench.start(["flood", "5000"])).id;
    const slow = await bench.attach(id);
    await slow.until("\0");
    assert.deepEqual((await bench.ended(id)).outputBytes, 5_000_000);
    await slow.end();
    assert.equal(slow.text.length, 5_000_000);
  });

  it("takes input from everybody in its order, and says when it has room for more", async () => {
    const id = await begin("cat");
    const [one, other] = [await bench.attach(id), await bench.attach(id)];
    const text = "x".repeat(100_000);
    one.type("a".repeat(50_000));
    other.type("b".repeat(50_000));
    one.type("c");
    one.view.closeStdin();
    other.type("too late");
    assert.equal((await other.end())?.exitCode, 0);
    assert.equal(other.text, `${"a".repeat(50_000)}${"b".repeat(50_000)}c`);
    assert.equal(other.text.length, text.length + 1);
    await one.end();
    assert.deepEqual([one.granted, other.granted], [50_001, 50_000 + "too late".length]);
  });

  it("says how much of its input there was", async () => {
    const id = await begin("cat");
    const first = await bench.attach(id);
    assert.deepEqual([first.view.stdinReceived, first.view.stdinWindowBytes > 0], [0, true]);
    first.type("12345");
    await first.until("12345");
    assert.equal((await bench.attach(id)).view.stdinReceived, 5);
    first.view.closeStdin();
    await first.end();
  });

  it("takes none where there is none to take", async () => {
    const { id } = await bench.start(["cat"]);
    const seen = await bench.attach(id);
    seen.type("nothing");
    assert.deepEqual([(await seen.end())?.exitCode, seen.text, seen.view.stdinWindowBytes], [0, "", 0]);
  });

  it("passes on signals and the terminal's size", async () => {
    const { id } = await bench.start(["size"], { terminal: true });
    const seen = await bench.attach(id);
    seen.view.resize({ columns: 99, rows: 11 });
    await seen.until("99x11\n");
    seen.view.signal("TERM");
    assert.equal((await seen.end())?.signal, "TERM");
  });

  it("waits for what comes", async () => {
    const id = await begin("cat");
    const seen = await bench.attach(id);
    const reading = seen.until("late");
    await settle();
    assert.equal(seen.text, "");
    (await bench.attach(id)).type("late");
    await reading;
    bench.executions.signal(id, "KILL");
    await seen.end();
  });
});
