import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { hostState, instanceIdOf } from "./support/host-state.js";
import { killInEach, killsOfEach } from "./support/kill-rounds.js";
import { type ShownSession, SnapshotBench } from "./support/snapshot-bench.js";

interface ShownVolume {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly size_bytes: number;
  readonly attachments: readonly { readonly session_id: string; readonly state: string }[];
}

const MiB = 2 ** 20;

describe("an engine that is killed while it works on volumes", () => {
  let bench: SnapshotBench;
  let stateBefore: string[];
  before(async () => {
    bench = await SnapshotBench.open();
    stateBefore = await hostState(bench.tenki.dataDir, instanceIdOf(bench.tenki.dataDir));
    await volume("create", "data", "--size", "64MiB");
    await bench.session("demo", "--volume", "data:/data");
    await bench.shell("demo", "cd /data; head -c 9000000 /dev/urandom > data; sha256sum data > sum; sync");
  });
  after(() => bench.tenki.close());

  const volume = (...words: string[]) => bench.tenki.ok(["sandbox", "volume", ...words]);
  const list = () => bench.tenki.json<ShownVolume[]>(["sandbox", "volume", "list"]);
  /** What lies on the disk, by the volumes' ids. */
  const images = () => [...new Set(bench.left("volumes").map((name) => name.slice(0, 36)))].sort();
  const get = (name: string) => bench.tenki.json<ShownVolume>(["sandbox", "volume", "get", name]);
  const attach = async (isAttached: boolean) => {
    const { attachments } = await get("data");
    if (isAttached && attachments.length === 0) await volume("attach", "demo", "data", "--mount", "/data");
    if (!isAttached && attachments.length > 0) await volume("detach", "demo", "data");
  };
  const resize = (size: string) => volume("resize", "data", "--size", size);
  const words = (...rest: string[]) => ["sandbox", "volume", ...rest];

  const operations = [
    { name: "create", words: words("create", "made", "--size", "32MiB") },
    {
      name: "attach",
      prepare: () => attach(false),
      words: words("attach", "demo", "data", "--mount", "/data"),
    },
    { name: "detach", prepare: () => attach(true), words: words("detach", "demo", "data") },
    { name: "grow", prepare: () => resize("64MiB"), words: words("resize", "data", "--size", "128MiB") },
    { name: "shrink", prepare: () => resize("128MiB"), words: words("resize", "data", "--size", "64MiB") },
    {
      name: "delete",
      prepare: () => volume("create", "doomed", "--size", "32MiB"),
      words: words("delete", "doomed", "--yes"),
    },
    {
      name: "the start of a session that has one",
      prepare: () => attach(false),
      words: ["sandbox", "create", "--name", "second", "--volume", "data:/data"],
    },
    {
      name: "the end of a session that has one",
      prepare: async () => {
        await attach(false);
        await bench.session("third", "--volume", "data:/data");
      },
      words: ["sandbox", "terminate", "third", "--yes"],
    },
  ];

  /** Whoever has it reads what was written, and nobody else has anything of it. */
  async function look(when: string): Promise<void> {
    const shown = await list();
    const wrong = shown.filter(({ state }) => state !== "AVAILABLE" && state !== "IN_USE");
    assert.deepEqual(wrong, [], when);
    assert.deepEqual(images(), shown.map(({ id }) => id).sort(), when);
    const sessions = await bench.tenki.json<ShownSession[]>(["sandbox", "list"]);
    for (const { id, state } of sessions) assert.equal(state, "RUNNING", `${id} ${when}`);
    const data = await get("data");
    assert.ok([64 * MiB, 128 * MiB].includes(data.size_bytes), when);
    const others = sessions.filter(({ name }) => name !== "demo").map(({ id }) => id);
    const [held] = data.attachments;
    if (held === undefined) await attach(true);
    const reader = held?.session_id ?? "demo";
    assert.equal(await bench.shell(reader, "cd /data; sha256sum -c sum"), "data: OK\n", when);
    // As large as it is said to be, by a handful of blocks.
    const sizes = await bench.shell(reader, "df --output=avail,used -B1 /data | tail -n 1");
    const [free, used] = sizes.trim().split(/\s+/).map(Number);
    assert.ok(Math.abs((free ?? 0) + (used ?? 0) - data.size_bytes) < MiB, `${when}: ${sizes}`);
    if (others.length > 0) await bench.end(...others);
    for (const { id, name } of shown) if (name !== "data") await volume("delete", id, "--yes");
  }

  it(`finds all again, and leaves nothing over, ${killsOfEach} times in each of what it does`, async () => {
    await killInEach(bench, operations, look);
    await bench.tenki.ok(["sandbox", "terminate", "--all", "--yes"]);
    await volume("delete", "data", "--yes");
    assert.deepEqual([await list(), bench.left("volumes")], [[], []]);
    await bench.tenki.ok(["engine", "stop"]);
    const left = await hostState(bench.tenki.dataDir, instanceIdOf(bench.tenki.dataDir));
    assert.deepEqual(
      left.filter((line) => !stateBefore.includes(line)),
      [],
    );
  });
});
