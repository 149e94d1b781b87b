import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { PreviewBench } from "./preview-bench.js";
import { refused } from "./refused.js";
import { dayMs, hourMs, minuteMs } from "./workbench.js";

describe("exposures", () => {
  let bench: PreviewBench;
  let id: string;
  beforeEach(async () => {
    bench = new PreviewBench();
    id = (await bench.exposable()).id;
  });

  const expose = (port: number, more: { expiresAt?: Date; slug?: string; protocol?: "http" | "tcp" } = {}) =>
    bench.parts_.exposures.expose(id, { port, protocol: "http", ...more });
  const inMs = (ms: number) => new Date(bench.clock.now().getTime() + ms);
  const url = (port: number) => {
    const found = bench.parts_.exposures.list(id).find((each) => each.port === port);
    return found && bench.parts_.previews.addresses.url(found);
  };

  it("have a door each that leads to their port, and are listed by it", async () => {
    await expose(3001);
    await expose(3000);
    assert.deepEqual(
      bench.parts_.exposures.list(id).map(({ port }) => port),
      [3000, 3001],
    );
    assert.equal(bench.doors.admit(), `${id}:3001`);
    assert.match(url(3000) ?? "", /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.notEqual(url(3000), url(3001));
  });

  it("need inbound access, a session that is not over, and a port that is not exposed", async () => {
    const closed = await bench.createRunning();
    await assert.rejects(
      bench.parts_.exposures.expose(closed.id, { port: 1, protocol: "http" }),
      refused("failed_precondition", "inbound access is disabled"),
    );
    await expose(3000);
    await assert.rejects(expose(3000), refused("already_exists", "port 3000 is exposed already: http://127"));
    await assert.rejects(expose(1, { expiresAt: inMs(-1) }), refused("invalid_argument", "in the future"));
    await bench.sessions.terminate(id);
    await assert.rejects(expose(3001), refused("failed_precondition", "terminated"));
  });

  it("are bounded for each session, also when they come at once", async () => {
    const other = await bench.exposable();
    const many = await Promise.allSettled(Array.from({ length: 25 }, (_, at) => expose(at + 1)));
    assert.equal(many.filter(({ status }) => status === "fulfilled").length, 20);
    assert.equal(bench.doors.open_.size, 20);
    await assert.rejects(expose(30), refused("resource_exhausted", "maximum exposed ports"));
    await bench.parts_.exposures.expose(other.id, { port: 1, protocol: "http" });
    await bench.parts_.exposures.unexpose(id, 1);
    await expose(30);
  });

  it("end when they are taken back, with their connections", async () => {
    await expose(3000);
    await bench.parts_.exposures.unexpose(id, 3000);
    assert.equal(bench.doors.open_.size, 0);
    await assert.rejects(
      bench.parts_.exposures.unexpose(id, 3000),
      refused("not_found", "port 3000 is not exposed", `tenki sandbox ports ${id}`),
    );
  });

  it("expire: connections are cut then, and who comes is told so until it is forgotten", async () => {
    const { id: preview } = await expose(3000, { expiresAt: inMs(hourMs) });
    await bench.clock.advance(hourMs - 1);
    assert.deepEqual([bench.doors.admit(), bench.doors.cuts], [`${id}:3000`, []]);
    await bench.clock.advance(1);
    assert.deepEqual([bench.doors.admit(), bench.doors.cuts], ["expired", [preview]]);
    assert.deepEqual(bench.parts_.exposures.list(id), []);
    await bench.clock.advance(dayMs);
    assert.equal(bench.doors.admit(), "no door");
  });

  it("are exposed again under the address that they had", async () => {
    await expose(3000, { expiresAt: inMs(minuteMs) });
    const before = url(3000);
    await bench.clock.advance(minuteMs);
    await expose(3000, { expiresAt: inMs(minuteMs) });
    assert.equal(url(3000), before);
    assert.equal(bench.doors.admit(), `${id}:3000`);
    await bench.clock.advance(minuteMs);
    assert.equal(bench.doors.admit(), "expired");
  });

  it("give their slug away once they have expired, and not before", async () => {
    const { id: first } = await expose(3000, { slug: "demo", expiresAt: inMs(minuteMs) });
    const hint = `tenki sandbox unexpose 3000 --session ${id} takes it`;
    await assert.rejects(
      expose(3001, { slug: "demo" }),
      refused("already_exists", "the slug demo is taken", hint),
    );
    await bench.clock.advance(minuteMs);
    const second = await expose(3001, { slug: "demo" });
    assert.notEqual(second.id, first);
    assert.deepEqual(
      [...bench.doors.open_.values()].map(({ gate }) => gate.admit().admitted),
      [true],
      "the door that said so is closed",
    );
  });

  it("do not add up after they have expired", async () => {
    for (let port = 1; port <= 100; port += 1) {
      await expose(port, { expiresAt: inMs(minuteMs) });
      await bench.clock.advance(minuteMs);
    }
    assert.ok(bench.doors.open_.size <= 21, `${bench.doors.open_.size} doors are open`);
  });

  it("say what state their session is in", async () => {
    await expose(3000);
    await bench.sessions.pause(id);
    assert.equal(bench.doors.admit(), "paused");
    await bench.sessions.resume(id);
    assert.equal(bench.doors.admit(), `${id}:3000`);
    const [door] = bench.doors.open_.values();
    await bench.sessions.terminate(id);
    assert.equal(bench.doors.open_.size, 0);
    assert.deepEqual(door?.gate.admit(), { admitted: false, why: "ended" });
    assert.deepEqual(bench.store.previews.allPreviews(), []);
  });

  it("are there again after the engine was lost, at the same port where it is free", async () => {
    const { doorPort } = await expose(3000);
    await bench.restart();
    assert.equal(bench.doors.admit(), `${id}:3000`);
    assert.equal([...bench.doors.open_.values()][0]?.port, doorPort);
    bench.doors.taken.add(doorPort);
    await bench.restart();
    const [moved] = bench.parts_.exposures.list(id);
    assert.ok(moved !== undefined && moved.doorPort !== doorPort);
    assert.equal([...bench.doors.open_.values()][0]?.port, moved.doorPort);
    bench.store.updateSession({ ...bench.sessions.get(id), state: "TERMINATED" });
    await bench.restart();
    assert.equal(bench.doors.open_.size, 0);
  });

  it("hold the session busy while something passes, and a little longer", async () => {
    const { id: busy } = await bench.createRunning({ allowInbound: true, idleTimeoutMinutes: 1 });
    await bench.parts_.exposures.expose(busy, { port: 80, protocol: "http" });
    const [door] = bench.doors.open_.values();
    const admission = door?.gate.admit();
    assert.ok(admission?.admitted);
    const reaper = bench.reaper();
    await reaper.tick();
    const over = admission.way.begin();
    await bench.clock.advance(10 * minuteMs);
    assert.equal(bench.sessions.get(busy).state, "RUNNING");
    over();
    const ended = bench.clock.now().getTime();
    await bench.clock.advance(1_000);
    assert.equal(bench.sessions.get(busy).lastActivityAt?.getTime(), ended + 1_000);
    await bench.clock.advance(59_000);
    assert.equal(bench.sessions.get(busy).state, "RUNNING");
    await bench.clock.advance(minuteMs);
    assert.equal(bench.sessions.get(busy).state, "PAUSED");
    reaper.stop();
  });

  it("are no activity by being listed, or refused", async () => {
    await expose(3000);
    const before = bench.sessions.get(id).lastActivityAt;
    await bench.clock.advance(minuteMs);
    bench.parts_.exposures.list(id);
    bench.doors.admit();
    assert.deepEqual(bench.sessions.get(id).lastActivityAt, before);
  });

  it("have names below a domain, as long as a name may be", async () => {
    const { slug } = await expose(3999, { slug: "a".repeat(63) });
    const { exposures, previews } = bench.withDomain("preview.test");
    const long = previews.table.findBySlug(slug) ?? assert.fail();
    assert.match(
      previews.addresses.url(long),
      /^http:\/\/127\.0\.0\.1:\d+$/,
      "from before there was a domain",
    );
    const named = await exposures.expose(id, { port: 3000, protocol: "http", slug: "demo" });
    const host = new URL(previews.addresses.url(named));
    assert.match(host.href, /^https:\/\/demo--[0-9a-f]{8}\.preview\.test:8365\/$/);
    assert.equal(previews.gateOf(host.host)?.id, named.id);
    const admission = previews.gateOf(host.host)?.gate.admit();
    assert.equal(admission?.admitted && admission.way.key, `${id}:3000`);
    assert.deepEqual(previews.gateOf(`nobody${host.host.slice(4)}`)?.gate.admit(), {
      admitted: false,
      why: "ended",
    });
    assert.deepEqual(previews.gateOf("x.preview.test")?.gate.admit(), { admitted: false, why: "ended" });
    for (const other of ["preview.test", "demo.test", "127.0.0.1:8365", undefined])
      assert.equal(previews.gateOf(other), undefined);
    await assert.rejects(expose(1, { slug: "demo" }), refused("already_exists", "the slug demo is taken"));
    await assert.rejects(expose(1, { slug: "Not" }), refused("invalid_argument", "a slug has 3 to 53"));
    await assert.rejects(expose(1, { slug: "a".repeat(54) }), refused("invalid_argument", "a slug"));
    const tcp = await expose(5432, { protocol: "tcp" });
    assert.match(previews.addresses.url(tcp), /^tcp:\/\/127\.0\.0\.1:\d+$/);
  });
});
