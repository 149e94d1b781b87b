import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { TenkiError } from "../../src/domain/error.js";
import { MemoryStore } from "../../src/engine/store/memory-store.js";
import { settle } from "./fake-clock.js";
import { refused } from "./refused.js";
import { nothing, oneOfEach, Workbench } from "./workbench.js";

let bench: Workbench;
beforeEach(() => void (bench = new Workbench()));

describe("creating a session", () => {
  it("answers at once with CREATING, and goes on to RUNNING", async () => {
    const created = bench.create({
      name: "demo",
      cpuCores: 3,
      memoryMb: 512,
      diskSizeGb: 7,
      env: { A: "1" },
    });
    assert.equal(created.state, "CREATING");
    assert.equal(created.readyAt, undefined);
    const running = await bench.until(created.id, "RUNNING");
    assert.deepEqual(running.readyAt, bench.clock.now());
    assert.deepEqual(running.lastActivityAt, bench.clock.now());
    const spec = bench.parts.runtime.sandboxes.get(created.id)?.spec;
    assert.equal(spec?.hostname, "demo");
    assert.deepEqual(spec.limits, { cpuCores: 3, memoryMb: 512 });
    assert.deepEqual(spec.environment, { A: "1" });
    assert.equal(bench.parts.disks.allocated.get(spec.disk.handle), 7 * 2 ** 30);
  });

  it("gives what was not asked for", async () => {
    const { id, name, ...record } = await bench.createRunning();
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.match(name, /^[a-z]+-[a-z]+-\d{4}$/);
    assert.equal(record.cpuCores, 2);
    assert.equal(record.memoryMb, 4096);
    assert.equal(record.diskSizeGb, 10);
    assert.equal(record.allowInbound, false);
    assert.equal(record.allowOutbound, true);
    assert.equal(record.timeoutAt, undefined);
    assert.equal(record.ownerId, bench.access.identity.ownerId);
    assert.equal(record.workspaceId, bench.access.workspaceId);
    assert.equal(record.projectId, bench.access.projectId);
  });

  it("closes the network of who may not go out, and opens that of who may be reached", async () => {
    for (const [allowInbound, allowOutbound] of [
      [false, false],
      [true, true],
    ] as const) {
      const { networkHandle } = await bench.createRunning({ allowInbound, allowOutbound });
      const policy = bench.parts.network.attached.get(networkHandle ?? "");
      assert.deepEqual(policy, { inbound: allowInbound, outbound: allowOutbound });
    }
  });

  it("counts a tag that was given twice once", () => {
    assert.deepEqual(bench.create({ tags: ["b", "a", "b"] }).tags, ["b", "a"]);
  });

  for (const name of ["-a", "a b", "a/b", "ä", "a".repeat(65), ".."]) {
    it(`refuses the name ${name.slice(0, 10)}`, () => {
      assert.throws(() => bench.create({ name }), refused("invalid_argument", "is not valid"));
      assert.equal(bench.store.liveSessions().length, 0);
    });
  }

  it("refuses an environment that no program could be given", () => {
    for (const env of [{ "": "x" }, { "A=B": "x" }, { "A\0": "x" }, { A: "x\0B=y" }]) {
      assert.throws(() => bench.create({ env }), refused("invalid_argument", ""));
    }
  });

  it("refuses a workspace, a project and an owner that are not its own", () => {
    assert.throws(() => bench.create({ workspaceId: "w" }), refused("permission_denied", "workspace w"));
    assert.throws(() => bench.create({ projectId: "p" }), refused("permission_denied", "project p"));
    assert.throws(() => bench.create({ ownerId: "o" }), refused("permission_denied", "owner o"));
  });

  for (const step of ["images.resolve", "disks.allocate", "network.attach", "runtime.start"]) {
    for (const when of ["before", "after"] as const) {
      // What an adapter made and does not answer for is its own to undo: only the runtime promises a trace-free failure.
      if (when === "after" && step !== "runtime.start") continue;
      it(`undoes everything where ${step} fails ${when} its work, and says why`, async () => {
        bench.parts.steps.fail(step, { when, error: new TenkiError("resource_exhausted", "no more room") });
        const ended = await bench.until(bench.create().id, "TERMINATED");
        assert.deepEqual(bench.parts.count(), nothing);
        assert.equal(ended.terminalError, "no more room");
        assert.equal(ended.readyAt, undefined);
        assert.deepEqual(ended.terminatedAt, bench.clock.now());
        assert.equal(ended.diskHandle, undefined);
        assert.equal(ended.networkHandle, undefined);
      });
    }
  }

  it("waits for what comes late before it undoes the rest", async () => {
    const late = bench.parts.steps.hold("disks.allocate");
    bench.parts.steps.fail("network.attach");
    const { id } = bench.create();
    await late.reached;
    await settle();
    assert.equal(bench.sessions.get(id).state, "CREATING");
    late.release();
    await bench.until(id, "TERMINATED");
    assert.deepEqual(bench.parts.count(), nothing);
  });

  it("says that an image is unknown", async () => {
    const ended = await bench.until(bench.create({ image: "nope" }).id, "TERMINATED");
    assert.equal(ended.terminalError, "registry image not found: nope");
  });

  it("gives back what it cannot record, and ends the session when it can", async () => {
    const store = new FullStore();
    bench = new Workbench(store);
    const { id } = bench.create();
    store.full = true;
    await settle();
    await settle();
    assert.deepEqual(bench.parts.count(), nothing);
    assert.equal(bench.sessions.get(id).state, "CREATING");
    store.full = false;
    await bench.sessions.attendDue();
    const ended = await bench.until(id, "TERMINATED");
    assert.equal(ended.terminalError, "it could not be created");
  });

  it("begins nothing that it could not record", () => {
    const store = new FullStore();
    bench = new Workbench(store);
    store.full = true;
    assert.throws(() => bench.create(), refused("resource_exhausted", "no space left"));
    assert.deepEqual(bench.parts.steps.taken, []);
  });
});

describe("terminating a session", () => {
  it("removes everything, and only then says TERMINATED", async () => {
    const { id } = await bench.createRunning();
    assert.deepEqual(bench.parts.count(), oneOfEach);
    const last = bench.parts.steps.hold("network.detach");
    const ending = bench.sessions.terminate(id);
    await last.reached;
    assert.equal(bench.sessions.get(id).state, "TERMINATING");
    last.release();
    const ended = await ending;
    assert.equal(ended.state, "TERMINATED");
    assert.equal(ended.terminalError, undefined);
    assert.deepEqual(ended.terminatedAt, bench.clock.now());
    assert.equal(ended.networkHandle ?? ended.diskHandle, undefined);
    assert.deepEqual(bench.parts.count(), nothing);
  });

  it("is a success for who comes later", async () => {
    const { id } = await bench.createRunning();
    const first = await bench.sessions.terminate(id);
    await bench.clock.advance(1_000);
    assert.deepEqual(await bench.sessions.terminate(id), first);
  });

  it("says that there is no such session", async () => {
    await assert.rejects(bench.sessions.terminate("nope"), refused("not_found", "session not found: nope"));
    assert.throws(() => bench.sessions.get("nope"), refused("not_found", "session not found: nope"));
  });

  for (const step of ["runtime.stop", "disks.release", "network.detach"]) {
    it(`stays TERMINATING where ${step} fails, and is ended at the next attempt`, async () => {
      bench.parts.steps.fail(step);
      const { id } = await bench.createRunning();
      await assert.rejects(
        bench.sessions.terminate(id),
        refused("internal", "cannot remove all of the sandbox"),
      );
      assert.equal(bench.sessions.get(id).state, "TERMINATING");
      await bench.sessions.attendDue();
      const ended = await bench.until(id, "TERMINATED");
      assert.equal(ended.terminalError, undefined);
      assert.deepEqual(bench.parts.count(), nothing);
    });
  }

  it("never takes the network of another that was given the same place meanwhile", async () => {
    const store = new FullStore();
    bench = new Workbench(store);
    const one = await bench.createRunning();
    const last = bench.parts.steps.hold("network.detach", "after");
    const ending = bench.sessions.terminate(one.id);
    await last.reached;
    store.full = true;
    last.release();
    await assert.rejects(ending, refused("resource_exhausted", "no space left"));
    store.full = false;
    const two = await bench.createRunning();
    assert.equal(two.networkHandle, one.networkHandle);
    await bench.sessions.terminate(one.id);
    assert.deepEqual(bench.parts.count(), oneOfEach);

    bench.parts.steps.fail("disks.release");
    await assert.rejects(bench.sessions.terminate(two.id), refused("internal", "cannot remove"));
    const three = await bench.createRunning();
    assert.notEqual(three.networkHandle, two.networkHandle);
    await bench.sessions.terminate(two.id);
    assert.deepEqual(bench.parts.count(), oneOfEach);
  });
});

describe("closing", () => {
  it("ends what is being booted, leaves what runs, and takes nothing new", async () => {
    const running = await bench.createRunning();
    const boot = bench.parts.steps.hold("runtime.start");
    const { id } = bench.create();
    await boot.reached;
    await bench.sessions.close();
    const ended = bench.sessions.get(id);
    assert.equal(ended.state, "TERMINATED");
    assert.equal(ended.terminalError, "the engine stopped while it was created");
    assert.equal(bench.sessions.get(running.id).state, "RUNNING");
    assert.deepEqual(bench.parts.count(), oneOfEach);
    assert.throws(() => bench.create(), refused("unavailable", "stopping"));
  });

  it("waits for what is being ended", async () => {
    const { id } = await bench.createRunning();
    const stop = bench.parts.steps.hold("runtime.stop");
    const ending = bench.sessions.terminate(id);
    await stop.reached;
    let closed = false;
    const closing = bench.sessions.close().then(() => (closed = true));
    await settle();
    assert.equal(closed, false);
    stop.release();
    await closing;
    assert.equal((await ending).state, "TERMINATED");
  });
});

/** A record on a disk that can be full. */
class FullStore extends MemoryStore {
  full = false;

  override insertSession(...args: Parameters<MemoryStore["insertSession"]>): void {
    this.#check();
    super.insertSession(...args);
  }

  override updateSession(...args: Parameters<MemoryStore["updateSession"]>): void {
    this.#check();
    super.updateSession(...args);
  }

  #check(): void {
    if (this.full) throw new TenkiError("resource_exhausted", "no space left to write the record");
  }
}
