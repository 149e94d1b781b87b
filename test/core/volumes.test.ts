import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import type { TenkiError } from "../../src/domain/error.js";
import { areApart, checkMountPath } from "../../src/engine/core/volumes/mount-path.js";
import { refused } from "./refused.js";
import { Workbench } from "./workbench.js";

const MiB = 2 ** 20;

describe("volumes", () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  const create = (name = "cache", sizeBytes = 10 * MiB) => bench.volumes.create({ name, sizeBytes });
  const mount = (volumeId: string, mountPath = "/data", readonly = false) => ({
    volumeId,
    mountPath,
    readonly,
  });
  const messageOf = async (action: Promise<unknown>): Promise<string> => {
    const error = await action.then(
      () => undefined,
      (reason: TenkiError) => reason,
    );
    assert.ok(error !== undefined, "it was not refused");
    return `${error.kind}: ${error.message}`;
  };
  /** The process is gone, and the next one has recovered. */
  const restart = async () => {
    bench.lose();
    await bench.sessions.recover();
    await bench.volumes.recover();
  };

  it("are there when they are made, newest first, a page at a time", async () => {
    for (const name of ["a", "b", "c"]) {
      await create(name);
      await bench.clock.advance(1_000);
    }
    const first = bench.volumes.list({ pageSize: 2, pageToken: "" });
    assert.deepEqual(
      first.volumes.map(({ name, state }) => [name, state]),
      [
        ["c", "AVAILABLE"],
        ["b", "AVAILABLE"],
      ],
    );
    const second = bench.volumes.list({ pageSize: 2, pageToken: first.nextPageToken });
    assert.deepEqual(
      second.volumes.map(({ name }) => name),
      ["a"],
    );
    assert.equal(second.nextPageToken, "");
  });

  it("are not to be seen before they are made, and leave nothing where they cannot be", async () => {
    const held = bench.parts.steps.hold("volumes.make");
    const making = create();
    await held.reached;
    assert.deepEqual(bench.volumes.list({ pageSize: 0, pageToken: "" }).volumes, []);
    held.release();
    await making;
    bench.parts.steps.fail("volumes.make", { error: new Error("no space left"), when: "after" });
    await assert.rejects(create("other"), /no space left/);
    assert.deepEqual(
      bench.volumes.list({ pageSize: 0, pageToken: "" }).volumes.map(({ name }) => name),
      ["cache"],
    );
    assert.equal(bench.parts.volumes.made.size, 1);
  });

  it("are finished or removed after a loss in the middle", async () => {
    const { id } = await create();
    void bench.parts.steps.hold("volumes.make", "after");
    void create("half");
    void bench.parts.steps.hold("volumes.remove", "before");
    void bench.volumes.delete(id);
    await restart();
    assert.deepEqual(bench.volumes.list({ pageSize: 0, pageToken: "" }).volumes, []);
    assert.equal(bench.parts.volumes.made.size, 0);
  });

  it("count against the workspace's limits, also where two are asked for at once", async () => {
    bench.settings.update({ maxVolumes: 1, maxTotalBytes: 15 * MiB });
    const outcomes = await Promise.allSettled([create("one"), create("two")]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["fulfilled", "rejected"],
    );
    const [volume] = bench.volumes.list({ pageSize: 0, pageToken: "" }).volumes;
    assert.match(
      await messageOf(bench.volumes.resize(volume?.id ?? "", 16 * MiB)),
      /^resource_exhausted: the workspace's limit of 15 MiB of storage/,
    );
    await bench.volumes.delete(volume?.id ?? "");
    await create("three");
  });

  it("are mounted where a session begins, and let go where it ends", async () => {
    const { id } = await create();
    const session = await bench.createRunning({ volumes: [mount(id)] });
    const [inside] = bench.parts.runtime.sandboxes.get(session.id)?.volumes.values() ?? [];
    assert.deepEqual(inside, { directory: `/volumes/${id}`, mountPath: "/data", readonly: false });
    assert.equal(session.volumes[0]?.state, "ATTACHED");
    assert.equal(bench.volumes.get(id).state, "IN_USE");
    assert.deepEqual((await bench.sessions.terminate(session.id)).volumes, []);
    assert.equal(bench.volumes.get(id).state, "AVAILABLE");
    assert.equal(bench.parts.volumes.get(id).isOpen, false);
  });

  it("are one writer's, or any number of readers'", async () => {
    const { id } = await create();
    const [one, two, three] = await Promise.all([
      bench.createRunning(),
      bench.createRunning(),
      bench.createRunning(),
    ]);
    const attach = (session: { id: string }, readonly: boolean) =>
      bench.sessions.volumes.attach(session.id, mount(id, "/data", readonly));
    const racing = await Promise.allSettled([attach(one, false), attach(two, false)]);
    assert.deepEqual(racing.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    assert.match(await messageOf(attach(three, true)), /^failed_precondition: volume is attached to session/);
    assert.match(await messageOf(bench.volumes.delete(id)), /^failed_precondition: volume is attached/);
    await bench.sessions.volumes.detach(one.id, id, false);
    await attach(two, true);
    await attach(three, true);
    assert.match(await messageOf(attach(one, false)), /volume is attached .* for reading/);
    await bench.sessions.volumes.detach(two.id, id, false);
    assert.equal(bench.parts.volumes.get(id).isOpen, true, "somebody reads it still");
    await bench.sessions.volumes.detach(three.id, id, false);
    assert.equal(bench.parts.volumes.get(id).isOpen, false);
  });

  it("are not mounted twice, nor where another one is", async () => {
    const [a, b] = [await create("a"), await create("b")];
    const session = await bench.createRunning({ volumes: [mount(a.id)] });
    const attach = (id: string, path: string) => bench.sessions.volumes.attach(session.id, mount(id, path));
    assert.match(await messageOf(attach(a.id, "/other")), /volume is attached to this session already/);
    assert.match(await messageOf(attach(b.id, "/data")), /^already_exists: mount path \/data is taken/);
    assert.match(await messageOf(attach(b.id, "/data/in/it")), /^already_exists/);
    const twice = () => bench.create({ volumes: [mount(b.id, "/x"), mount(b.id, "/y")] });
    assert.throws(twice, refused("failed_precondition", "volume is attached"));
    assert.throws(
      () => bench.create({ volumes: [mount(session.id)] }),
      refused("not_found", "volume not found"),
    );
    assert.equal(bench.list().sessions.length, 1, "what was refused was not made");
  });

  it("that cannot be mounted leave no trace in the record", async () => {
    const { id } = await create();
    const session = await bench.createRunning();
    bench.parts.steps.fail("runtime.mountVolume");
    await assert.rejects(bench.sessions.volumes.attach(session.id, mount(id)));
    assert.deepEqual(bench.sessions.get(session.id).volumes, []);
    assert.equal(bench.volumes.get(id).state, "AVAILABLE");
    assert.equal(bench.parts.volumes.get(id).isOpen, false);
  });

  it("stay while they are used, unless by force", async () => {
    const { id } = await create();
    const session = await bench.createRunning({ volumes: [mount(id)] });
    bench.parts.runtime.busy.add("/data");
    assert.match(
      await messageOf(bench.sessions.volumes.detach(session.id, id, false)),
      /volume is in use by sleep/,
    );
    assert.equal(bench.sessions.get(session.id).volumes[0]?.state, "ATTACHED");
    await bench.sessions.volumes.detach(session.id, id, true);
    assert.deepEqual(bench.sessions.get(session.id).volumes, []);
    assert.match(
      await messageOf(bench.sessions.volumes.detach(session.id, id, true)),
      /^not_found: volume not found/,
    );
  });

  it("are settled after a loss in the middle of attaching and of detaching", async () => {
    const [a, b] = [await create("a"), await create("b")];
    const session = await bench.createRunning({ volumes: [mount(a.id, "/a")] });
    void bench.parts.steps.hold("runtime.unmountVolume", "after");
    void bench.sessions.volumes.detach(session.id, a.id, false);
    const other = await bench.createRunning();
    const held = bench.parts.steps.hold("runtime.mountVolume", "after");
    void bench.sessions.volumes.attach(other.id, mount(b.id, "/b"));
    await held.reached;
    await restart();
    for (const { id } of [session, other]) {
      assert.deepEqual(bench.sessions.get(id).volumes, []);
      assert.equal(bench.parts.runtime.sandboxes.get(id)?.volumes.size, 0);
    }
    assert.deepEqual(
      [...bench.parts.volumes.made.values()].map(({ isOpen }) => isOpen),
      [false, false],
    );
  });

  it("are kept over a pause, and come back where a session starts afresh", async () => {
    const { id } = await create();
    const session = await bench.createRunning({ volumes: [mount(id)] });
    await bench.sessions.pause(session.id);
    assert.equal(bench.parts.volumes.get(id).isPersisted, true);
    bench.parts.runtime.die(session.id);
    await restart();
    assert.equal(bench.volumes.get(id).state, "IN_USE");
    assert.equal(bench.parts.volumes.get(id).isOpen, false, "nothing is there that could use it");
    await bench.sessions.resume(session.id);
    assert.equal(bench.parts.runtime.sandboxes.get(session.id)?.volumes.size, 1);
    assert.equal(bench.parts.volumes.get(id).isOpen, true);
  });

  it("get another size at once, and not below what is on them", async () => {
    const { id } = await create();
    const session = await bench.createRunning({ volumes: [mount(id)] });
    assert.equal((await bench.volumes.resize(id, 20 * MiB)).sizeBytes, 20 * MiB);
    assert.equal(bench.parts.volumes.get(id).sizeBytes, 20 * MiB);
    bench.parts.volumes.get(id).usedBytes = 5 * MiB;
    assert.match(
      await messageOf(bench.volumes.resize(id, 4 * MiB)),
      /cannot shrink to 4 MiB: 5 MiB are used/,
    );
    assert.equal(bench.parts.volumes.get(id).sizeBytes, 20 * MiB);
    for (const step of ["volumes.requireRoom", "volumes.open"]) {
      bench.parts.steps.fail(step);
      await assert.rejects(bench.volumes.resize(id, 30 * MiB));
      assert.equal(bench.volumes.get(id).sizeBytes, 20 * MiB);
    }
    await bench.sessions.terminate(session.id);
    assert.equal((await bench.volumes.resize(id, 6 * MiB)).sizeBytes, 6 * MiB);
    assert.equal(bench.parts.volumes.get(id).isOpen, false);
  });

  it("are renamed and tagged", async () => {
    const { id } = await create();
    await bench.volumes.update(id, { name: "npm cache", tags: ["a", "a", "b"], clearTags: false });
    const { name, tags } = bench.volumes.get(id);
    assert.deepEqual([name, tags], ["npm cache", ["a", "b"]]);
    assert.deepEqual((await bench.volumes.update(id, { tags: [], clearTags: true })).tags, []);
    for (const bad of ["", "a:b", "a/b", " a", "a\n", "x".repeat(65)]) {
      assert.match(await messageOf(create(bad)), /^invalid_argument: name/);
    }
  });
});

describe("where a volume may be mounted", () => {
  for (const path of [
    "/data",
    "/home/tenki",
    "/home/tenki/.cache",
    "/var/cache/apt",
    "/usr/local/x",
    "/etcetera",
  ]) {
    it(`at ${path}`, () => assert.equal(checkMountPath(path), path));
  }

  it("in whatever spelling", () => assert.equal(checkMountPath("//data/./x//"), "/data/x"));

  for (const path of [
    ...[
      "data",
      "",
      "/",
      "/..",
      "/data/../etc",
      "/etc",
      "/etc/x",
      "/proc/1",
      "/sys",
      "/dev/shm",
      "/run/tenki",
    ],
    ...["/usr", "/usr/bin", "/lib64", "/home", "/var/run/x", "/a\nb", `/${"x".repeat(1_024)}`],
  ]) {
    it(`not at ${JSON.stringify(path.slice(0, 20))}`, () =>
      assert.throws(() => checkMountPath(path), refused("invalid_argument", "mount path")));
  }

  it("not in one another", () => {
    assert.equal(areApart("/data", "/data2"), true);
    assert.equal(areApart("/data", "/data/x"), false);
    assert.equal(areApart("/data/x", "/data"), false);
  });
});
