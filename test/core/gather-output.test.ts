import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { GuestEvent } from "../../src/engine/core/ports/runtime.js";
import { gatherOutput } from "../../src/engine/core/executions/gather-output.js";
import { settle } from "../core/fake-clock.js";

type Output = "stdout" | "stderr";

const output = (kind: Output, size: number, fill = "x"): GuestEvent => ({
  kind,
  data: Buffer.alloc(size, fill),
});
const exit: GuestEvent = {
  kind: "exit",
  exit: { exitCode: 0, timedOut: false, durationMs: 1, reason: "exit" },
};

async function* from(events: readonly GuestEvent[], failure?: Error): AsyncGenerator<GuestEvent> {
  yield* events;
  if (failure !== undefined) throw failure;
}

async function gather(events: readonly GuestEvent[]): Promise<GuestEvent[]> {
  const gathered: GuestEvent[] = [];
  for await (const event of gatherOutput(from(events))) gathered.push(event);
  return gathered;
}

const describeEvent = (event: GuestEvent): string =>
  "data" in event ? `${event.kind}:${Buffer.from(event.data).toString()}` : event.kind;

describe("gathered output", () => {
  it("puts small neighbours of one kind together, and keeps the order", async () => {
    const events = [
      output("stdout", 1, "a"),
      output("stdout", 1, "b"),
      output("stderr", 1, "c"),
      output("stdout", 1, "d"),
      { kind: "stdin_taken", bytes: 5 } as const,
      output("stdout", 1, "e"),
      exit,
    ];
    assert.deepEqual((await gather(events)).map(describeEvent), [
      "stdout:ab",
      "stderr:c",
      "stdout:d",
      "stdin_taken",
      "stdout:e",
      "exit",
    ]);
  });

  it("passes large pieces on as they are", async () => {
    const large = output("stdout", 64 << 10);
    const gathered = await gather([output("stdout", 1), large, output("stdout", 1), exit]);
    assert.deepEqual(gathered.length, 4);
    assert.equal("data" in (gathered[1] ?? exit) && gathered[1], large, "not a copy");
  });

  it("takes no more than it may hold while nobody reads", async () => {
    let taken = 0;
    async function* endless(): AsyncGenerator<GuestEvent> {
      for (;;) {
        taken += 1_000;
        yield output("stdout", 1_000);
      }
    }
    const reader = gatherOutput(endless());
    await reader.next();
    for (let turn = 0; turn < 20; turn += 1) await settle();
    const whileHeld = taken;
    for (let turn = 0; turn < 20; turn += 1) await settle();
    assert.equal(taken, whileHeld);
    assert.ok(taken < 500_000, `${taken} bytes`);
    await reader.return();
  });

  it("tells what came before a failure, and then the failure", async () => {
    const seen: string[] = [];
    await assert.rejects(async () => {
      for await (const event of gatherOutput(from([output("stdout", 1, "a")], new Error("gone")))) {
        seen.push(describeEvent(event));
      }
    }, /gone/);
    assert.deepEqual(seen, ["stdout:a"]);
  });
});
