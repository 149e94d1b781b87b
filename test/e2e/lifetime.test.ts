import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { DatabaseSync } from "@photostructure/sqlite";
import { waitUntil } from "../../src/lib/wait-until.js";
import { Workbench } from "./support/tenki.js";

interface Shown {
  readonly id: string;
  readonly state: string;
  readonly last_activity_at: string;
  readonly terminal_error: string | null;
}

const minuteMs = 60_000;

describe("what became due while no engine ran", () => {
  let bench: Workbench;
  before(async () => {
    bench = await Workbench.open();
    await bench.startEngine();
  });
  after(() => bench.close());
  const get = (name: string) => bench.json<Shown>(["sandbox", "get", name]);
  const create = (name: string, ...flags: string[]) =>
    bench.ok(["sandbox", "create", "--name", name, ...flags]);

  /** As if everything that the record says of the past and of the future were so much earlier. */
  async function timePasses(ms: number): Promise<void> {
    await bench.ok(["engine", "stop"]);
    const database = new DatabaseSync(join(bench.dataDir, "record.db"));
    const rows = database.prepare("SELECT id, record FROM sessions").all() as {
      id: string;
      record: string;
    }[];
    for (const { id, record } of rows) {
      const moved = Object.entries(JSON.parse(record) as Record<string, unknown>).map(([key, value]) =>
        key.endsWith("At") ? [key, new Date(Date.parse(String(value)) - ms).toISOString()] : [key, value],
      );
      const text = JSON.stringify(Object.fromEntries(moved));
      database.prepare("UPDATE sessions SET record = :text WHERE id = :id").run({ id, text });
    }
    database.close();
    await bench.startEngine();
  }

  const until = async (name: string, state: string): Promise<Shown> => {
    const shown = await waitUntil(
      async () => {
        const session = await get(name);
        return session.state === state ? session : undefined;
      },
      { timeoutMs: 20_000, intervalMs: 100 },
    );
    assert.ok(shown !== undefined, `${name} is not ${state}`);
    return shown;
  };

  it("is done as soon as one starts, and nothing else is", async () => {
    await create("idle", "--idle-timeout", "10m");
    await create("sticky", "--idle-timeout", "10m", "--sticky");
    await create("unset");
    await create("short", "--max-duration", "15m");
    await create("extended", "--max-duration", "15m");
    await bench.ok(["sandbox", "extend", "1h", "--session", "extended"]);
    await create("resting", "--pause-retention", "15m");
    await create("kept", "--pause-retention", "1h");
    for (const name of ["resting", "kept"]) await bench.ok(["sandbox", "pause", name]);
    const before_ = await get("idle");
    await timePasses(20 * minuteMs);

    await until("idle", "PAUSED");
    assert.equal((await until("short", "TERMINATED")).terminal_error, "it reached its max_duration");
    assert.equal((await until("resting", "TERMINATED")).terminal_error, "its pause_retention is over");
    for (const name of ["sticky", "unset", "extended"]) assert.equal((await get(name)).state, "RUNNING");
    assert.equal((await get("kept")).state, "PAUSED");

    const resumed = await bench.json<Shown>(["sandbox", "resume", "idle"]);
    assert.equal(resumed.state, "RUNNING");
    assert.ok(Date.parse(resumed.last_activity_at) > Date.parse(before_.last_activity_at));
    assert.equal(await bench.ok(["sandbox", "exec", "--session", "idle", "-q", "-c", "echo on"]), "on\n");
  });

  it("looking at a session is no use of it, running a command is", async () => {
    const { last_activity_at: at } = await get("unset");
    await bench.ok(["sandbox", "list"]);
    await bench.ok(["sandbox", "wait", "unset"]);
    assert.equal((await get("unset")).last_activity_at, at);
    await bench.ok(["sandbox", "exec", "--session", "unset", "-q", "--", "true"]);
    assert.ok(Date.parse((await get("unset")).last_activity_at) > Date.parse(at));
  });
});
