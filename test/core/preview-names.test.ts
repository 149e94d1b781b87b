import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { PreviewBench } from "./preview-bench.js";
import { refused } from "./refused.js";
import { dayMs, hourMs } from "./workbench.js";

describe("preview URLs", () => {
  let bench: PreviewBench;
  let one: string;
  let two: string;
  beforeEach(async () => {
    bench = new PreviewBench();
    one = (await bench.exposable()).id;
    two = (await bench.exposable()).id;
  });
  const names = () => bench.parts_.names;

  it("move from session to session, and cut what was connected before", async () => {
    const { id } = await names().create({ slug: "demo" });
    assert.equal(bench.doors.admit(), "unbound");
    names().bind(id, one, 3000);
    assert.equal(bench.doors.admit(), `${one}:3000`);
    names().bind(id, two, 4000);
    assert.equal(bench.doors.admit(), `${two}:4000`);
    names().unbind(id);
    assert.equal(bench.doors.admit(), "unbound");
    assert.deepEqual(bench.doors.cuts, [id, id, id]);
    names().delete(id);
    assert.equal(bench.doors.open_.size, 0);
    assert.throws(() => names().get({ id }), refused("not_found", "preview URL not found"));
  });

  it("are found by id and by slug, and by no exposure's", async () => {
    const created = await names().create({ slug: "demo", sessionId: one, port: 3000 });
    assert.deepEqual(names().get({ id: created.id }), created);
    assert.deepEqual(names().get({ slug: "demo" }), created);
    const exposed = await bench.parts_.exposures.expose(one, { port: 1, protocol: "http", slug: "other" });
    assert.throws(() => names().get({ slug: "other" }), refused("not_found", "other"));
    assert.throws(() => names().delete(exposed.id), refused("not_found", exposed.id));
  });

  it("refuse a slug that is taken, half a target, and a session that cannot be reached", async () => {
    await names().create({ slug: "demo" });
    await assert.rejects(
      names().create({ slug: "demo" }),
      refused("already_exists", "the slug demo is taken"),
    );
    await assert.rejects(names().create({ slug: "half", port: 1 }), refused("invalid_argument", "together"));
    const closed = await bench.createRunning();
    const wanted = { slug: "closed", sessionId: closed.id, port: 1 };
    await assert.rejects(
      names().create(wanted),
      refused("failed_precondition", "inbound access is disabled"),
    );
    assert.equal(bench.doors.open_.size, 1);
  });

  it("outlive their session, the engine, and point at nothing then", async () => {
    const { id, doorPort } = await names().create({ slug: "demo", sessionId: one, port: 3000 });
    await bench.sessions.terminate(one);
    assert.equal(bench.doors.admit(), "unbound");
    names().bind(id, two, 4000);
    await bench.restart();
    assert.equal(bench.doors.admit(), `${two}:4000`);
    assert.equal(names().get({ id }).doorPort, doorPort);
  });

  it("are listed newest first, in pages", async () => {
    for (const slug of ["aaa", "bbb", "ccc"]) {
      await names().create({ slug });
      await bench.clock.advance(1);
    }
    const first = names().list({ pageSize: 2, pageToken: "" });
    assert.deepEqual(
      first.previews.map(({ slug }) => slug),
      ["ccc", "bbb"],
    );
    const second = names().list({ pageSize: 2, pageToken: first.nextPageToken });
    assert.deepEqual(
      second.previews.map(({ slug }) => slug),
      ["aaa"],
    );
    assert.equal(second.nextPageToken, "");
    assert.throws(
      () => names().list({ pageSize: 2, pageToken: "bm8" }),
      refused("invalid_argument", "page_token"),
    );
  });

  it("keep to the workspace's limit, also when they come at once", async () => {
    bench.settings.update({ maxPreviewUrlsPerWorkspace: 2 });
    const many = await Promise.allSettled(["aaa", "bbb", "ccc"].map((slug) => names().create({ slug })));
    assert.deepEqual(
      many.map(({ status }) => status),
      ["fulfilled", "fulfilled", "rejected"],
    );
    assert.equal(bench.limits.usage().find(({ key }) => key === "preview_urls_per_workspace")?.current, 2);
    bench.settings.update({ maxPreviewUrlsPerWorkspace: null, maxPreviewUrlsPerProject: 2 });
    await assert.rejects(
      names().create({ slug: "ddd" }),
      refused("resource_exhausted", "preview URLs of a project"),
    );
  });

  it("remember when they were last used", async () => {
    const { id } = await names().create({ slug: "demo", sessionId: one, port: 3000 });
    const [door] = bench.doors.open_.values();
    const admission = door?.gate.admit();
    assert.ok(admission?.admitted);
    await bench.clock.advance(hourMs);
    admission.way.begin()();
    assert.deepEqual(names().get({ id }).lastAccessedAt, bench.clock.now());
  });
});

describe("viewers' links", () => {
  let bench: PreviewBench;
  let id: string;
  beforeEach(async () => {
    bench = new PreviewBench();
    id = (await bench.exposable()).id;
  });
  const open = (expiresAt?: Date) => bench.parts_.viewings.open(id, 3000, expiresAt);
  const inMs = (ms: number) => new Date(bench.clock.now().getTime() + ms);

  it("let in who has the token, until it is over, and nobody else", async () => {
    const { token, url, expiresAt } = await open();
    assert.equal(new URL(url).searchParams.get("tenki_viewer"), token);
    assert.deepEqual(expiresAt, inMs(hourMs));
    assert.equal([...bench.doors.open_.values()][0]?.gate.isPrivate, true);
    assert.equal(bench.doors.admit(token), `${id}:3000`);
    const [start, signature] = [token.slice(0, -1), token.slice(-1)];
    const forged = [
      undefined,
      "",
      "tv_",
      start + (signature === "A" ? "E" : "A"),
      token.replace(/\.\d+\./, ".9999999999."),
    ];
    for (const other of forged) assert.equal(bench.doors.admit(other), "private", other);
    await bench.clock.advance(hourMs);
    assert.equal(bench.doors.admit(token), "private");
  });

  it("share one door, and open no other one", async () => {
    const first = await open(inMs(hourMs));
    const second = await open(inMs(2 * hourMs));
    assert.equal(new URL(first.url).host, new URL(second.url).host);
    const other = await bench.parts_.viewings.open(id, 4000);
    assert.equal(bench.doors.admit(other.token), "private");
    await bench.clock.advance(hourMs);
    assert.equal(bench.doors.admit(first.token), "private");
    assert.equal(bench.doors.admit(second.token), `${id}:3000`);
  });

  it("last for a day at most", async () => {
    await assert.rejects(open(inMs(dayMs + 1_000)), refused("invalid_argument", "24 hours"));
    await assert.rejects(open(inMs(-1)), refused("invalid_argument", "in the future"));
  });

  it("are resolved for a gateway, as the tokens of preview URLs are", async () => {
    const { token, expiresAt } = await open();
    const resolved = { sessionId: id, port: 3000, isOffline: false };
    assert.deepEqual(bench.parts_.viewings.resolve(token), { ...resolved, mode: "viewer", expiresAt });
    const named = await bench.parts_.names.create({ slug: "demo", sessionId: id, port: 3000 });
    await bench.sessions.pause(id);
    const offline = { ...resolved, isOffline: true, mode: "public", expiresAt: undefined };
    assert.deepEqual(bench.parts_.viewings.resolve(named.token), offline);
    assert.throws(() => bench.parts_.viewings.resolve("tp_unknown"), refused("not_found", "preview token"));
    bench.parts_.names.unbind(named.id);
    assert.throws(
      () => bench.parts_.viewings.resolve(named.token),
      refused("failed_precondition", "nothing"),
    );
  });

  it("count as activity when they are touched", async () => {
    const { token } = await open();
    await bench.clock.advance(1_000);
    assert.deepEqual(bench.parts_.viewings.touch(token), bench.clock.now());
    assert.deepEqual(bench.sessions.get(id).lastActivityAt, bench.clock.now());
    assert.throws(() => bench.parts_.viewings.touch("tv_unknown"), refused("not_found", "preview token"));
  });
});
