import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import {
  SnapshotDurabilityState,
  SnapshotState,
  SnapshotType,
} from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { settle } from "../core/fake-clock.js";
import { openServer } from "../server/test-server.js";
import { failureOf, self, ServiceBench } from "./service-bench.js";

const unknown = "00000000-0000-4000-8000-000000000000";

/** The calls about snapshots, and their links over a real port. */
describe("snapshots over the wire", () => {
  let bench: ServiceBench;
  let server: Awaited<ReturnType<typeof openServer>>;
  let sessionId: string;
  before(async () => {
    const routes: ServiceBench["snapshotRoute"][] = [];
    server = await openServer({ routes });
    bench = new ServiceBench({ publicUrl: server.url });
    routes.push(bench.snapshotRoute);
    sessionId = (await bench.running()).id;
  });
  after(() => server.stop());

  const take = async (request: object = {}) => {
    const { snapshot } = await bench.sandbox.createSnapshot({ sessionId, ...request });
    if (snapshot === undefined) throw new Error("no snapshot was answered");
    return snapshot;
  };
  const urlOf = async (snapshotId: string) =>
    (await bench.sandbox.getSnapshotDownloadURL({ snapshotId })).url;

  it("are taken, shown, listed, changed and deleted", async () => {
    const expiresAt = timestampFromDate(new Date(bench.clock.now().getTime() + 3_600_000));
    const { id, ...taken } = await take({ name: "one", expiresAt });
    assert.deepEqual(
      [taken.name, taken.state, taken.type, taken.sizeBytes, taken.baseImageId, taken.diskSizeGb],
      ["one", SnapshotState.READY, SnapshotType.USER, 4_096n, "sandbox", 10],
    );
    assert.deepEqual(taken.expiresAt?.seconds, expiresAt.seconds);
    assert.deepEqual(taken.localReadyAt, taken.createdAt);
    assert.equal(taken.durabilityState, SnapshotDurabilityState.LOCAL_READY);
    await settle();
    const { snapshot } = await bench.sandbox.getSnapshot({ snapshotId: id });
    assert.equal(snapshot?.durabilityState, SnapshotDurabilityState.DURABLE);
    const { workspaceId = "", projectId } = taken;
    for (const list of [
      bench.sandbox.listSnapshots({}),
      bench.sandbox.listSessionSnapshots({ sessionId }),
      bench.sandbox.listWorkspaceSnapshots({ workspaceId }),
      bench.sandbox.listProjectSnapshots({ projectId }),
    ]) {
      assert.deepEqual(
        (await list).snapshots.map((each) => each.id),
        [id],
      );
    }
    assert.deepEqual((await bench.sandbox.listDanglingSnapshots({})).snapshots, []);
    const change = { snapshotId: id, name: "two", tags: ["a"], clearExpiresAt: true };
    const changed = (await bench.sandbox.updateSnapshot(change)).snapshot;
    assert.deepEqual([changed?.name, changed?.tags, changed?.expiresAt], ["two", ["a"], undefined]);
    const deleted = (await bench.sandbox.deleteSnapshot({ snapshotId: id })).snapshot;
    assert.equal(deleted?.state, SnapshotState.DELETED);
    assert.deepEqual((await bench.sandbox.listSnapshots({})).snapshots, []);
  });

  it("that are unknown are `snapshot not found`, whatever is asked of them", async () => {
    for (const call of [
      bench.sandbox.getSnapshot({ snapshotId: unknown }),
      bench.sandbox.updateSnapshot({ snapshotId: unknown }),
      bench.sandbox.deleteSnapshot({ snapshotId: unknown }),
      bench.sandbox.getSnapshotDownloadURL({ snapshotId: unknown }),
      bench.sandbox.createSession({ ...self, snapshotId: unknown }),
    ]) {
      const { code, rawMessage } = await failureOf(call);
      assert.equal(code, Code.NotFound);
      assert.match(rawMessage, /^snapshot not found/);
    }
    const noSession = await failureOf(bench.sandbox.createSnapshot({ sessionId: unknown }));
    assert.match(`${noSession.code} ${noSession.rawMessage}`, /^5 session not found/);
    const raw = await failureOf(bench.sandbox.createSnapshot({ sessionId, storeRawImage: true }));
    assert.equal(raw.code, Code.Unimplemented);
  });

  it("are made into sessions that say what they are made of", async () => {
    const { id } = await take();
    const { session } = await bench.sandbox.createSession({ ...self, snapshotId: id, waitReady: true });
    assert.deepEqual([session?.snapshotId, session?.sourceSnapshotId], [id, id]);
  });

  it("of a paused session are in the session, for as long as it is paused", async () => {
    const { id } = await bench.running();
    const { session } = await bench.sandbox.pauseSession({ sessionId: id });
    assert.equal(session?.pauseSnapshot?.id, session?.pauseSnapshotId);
    assert.equal(session?.pauseSnapshot?.type, SnapshotType.PAUSE);
    const snapshotId = session?.pauseSnapshotId ?? "";
    const refused = await failureOf(bench.sandbox.deleteSnapshot({ snapshotId }));
    assert.equal(refused.code, Code.FailedPrecondition);
    const response = await fetch(await urlOf(snapshotId));
    assert.equal((await response.arrayBuffer()).byteLength, 1_024);
    await bench.sandbox.resumeSession({ sessionId: id });
    const resumed = (await bench.sandbox.getSession({ sessionId: id })).session;
    assert.deepEqual([resumed?.pauseSnapshotId, resumed?.pauseSnapshot], [undefined, undefined]);
  });

  it("are downloaded by a link, as a tar, by whoever has it", async () => {
    const { id } = await take();
    const { url, expiresAt } = await bench.sandbox.getSnapshotDownloadURL({ snapshotId: id });
    assert.equal(Number(expiresAt?.seconds) * 1_000, bench.clock.now().getTime() + 15 * 60_000);
    const response = await fetch(url);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "application/x-tar");
    assert.equal(response.headers.get("content-disposition"), `attachment; filename="snapshot-${id}.tar"`);
    assert.equal((await response.arrayBuffer()).byteLength, 1_024);
    const head = await fetch(url, { method: "HEAD" });
    assert.deepEqual([head.status, await head.text()], [200, ""]);
  });

  it("are not given to who has no genuine link, or too old a one", async () => {
    const { id } = await take();
    const url = await urlOf(id);
    const statusOf = async (target: string, init: RequestInit = {}) => (await fetch(target, init)).status;
    assert.equal(await statusOf(`${server.url}/snapshots/${id}/download`), 403);
    assert.equal(await statusOf(url.replace(/signature=./, "signature=_")), 403);
    assert.equal(await statusOf(url.replace(id, unknown)), 403);
    assert.equal(await statusOf(`${server.url}/snapshots/${id}`), 404);
    assert.equal(await statusOf(url, { method: "PUT", body: "x" }), 405);
    assert.equal(await statusOf(url, { headers: { origin: "https://example.com" } }), 403);
    const gone = await take();
    const goneUrl = await urlOf(gone.id);
    await bench.sandbox.deleteSnapshot({ snapshotId: gone.id });
    assert.equal(await statusOf(goneUrl), 404);
    await bench.clock.advance(15 * 60_000);
    assert.equal(await statusOf(url), 403);
  });

  it("are let go of when their reader goes away", async () => {
    const { id } = await take();
    const url = await urlOf(id);
    const held = bench.parts.steps.hold("snapshots.export");
    const abort = new AbortController();
    const reading = fetch(url, { signal: abort.signal }).catch(() => undefined);
    await held.reached;
    abort.abort();
    await reading;
    held.release();
    const deleted = bench.sandbox.deleteSnapshot({ snapshotId: id });
    const within = { timeoutMs: 5_000, intervalMs: 5 };
    await waitUntil(async () => !bench.parts.snapshots.taken.has(id) || undefined, within);
    assert.equal((await deleted).snapshot?.state, SnapshotState.DELETED);
  });
});
