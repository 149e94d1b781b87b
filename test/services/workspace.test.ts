import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { SandboxUsageUnit } from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { failureOf, self, ServiceBench } from "./service-bench.js";

const elsewhere = "00000000-0000-4000-8000-000000000000";
const hour = { seconds: 3_600n, nanos: 0 };

let bench: ServiceBench;
let workspaceId: string;
beforeEach(async () => {
  bench = new ServiceBench();
  workspaceId = (await bench.sandbox.whoAmI({})).workspaces[0]?.workspaceId ?? "";
});

const settings = async () => (await bench.sandbox.getWorkspaceSandboxSettings({ workspaceId })).settings;
const update = (change: object) => bench.sandbox.updateWorkspaceSandboxSettings({ workspaceId, ...change });

describe("a workspace's settings on the wire", () => {
  it("carry every one of them there and back", async () => {
    const limits = {
      maxSnapshots: 1,
      maxTemplates: 2,
      maxVolumes: 3,
      maxConcurrentSessions: 4,
      maxStickySessions: 5,
      maxPreviewUrlsPerProject: 6,
      maxPreviewUrlsPerWorkspace: 7,
      maxTotalBytes: 8_000_000_000_000n,
    };
    await update({ ...limits, pauseRetention: hour, snapshotRetention: { seconds: 1n, nanos: 500_000_000 } });
    const { $typeName: _, pauseRetention, snapshotRetention, ...rest } = (await settings()) ?? assert.fail();
    assert.deepEqual(rest, { workspaceId, ...limits });
    assert.deepEqual([pauseRetention?.seconds, snapshotRetention?.nanos], [3_600n, 500_000_000]);
  });

  it("are taken away one by one, and left out where they are not set", async () => {
    await update({ maxVolumes: 3, maxSnapshots: 4, pauseRetention: hour });
    const answer = await update({
      clearMaxVolumes: true,
      clearMaxStickySessions: true,
      clearPauseRetention: true,
    });
    const { $typeName: _, ...left } = answer.settings ?? assert.fail();
    assert.deepEqual(left, { workspaceId, maxSnapshots: 4 });
  });

  it("cannot be set and taken away at once", async () => {
    for (const change of [
      { maxVolumes: 3, clearMaxVolumes: true },
      { pauseRetention: hour, clearPauseRetention: true },
    ]) {
      const failure = await failureOf(update({ maxTemplates: 9, ...change }));
      assert.equal(failure.code, Code.InvalidArgument);
      assert.match(failure.rawMessage, /contradict/);
    }
    assert.equal((await settings())?.maxTemplates, undefined);
  });

  it("show and change the retentions alone", async () => {
    await update({ maxVolumes: 3, snapshotRetention: hour });
    const answer = await bench.sandbox.updateWorkspaceSnapshotRetentionSettings({
      workspaceId,
      pauseRetention: hour,
      clearSnapshotRetention: true,
    });
    assert.equal(answer.settings?.pauseRetention?.seconds, 3_600n);
    assert.equal(answer.settings?.snapshotRetention, undefined);
    const shown = await bench.sandbox.getWorkspaceSnapshotRetentionSettings({ workspaceId });
    assert.deepEqual(shown.settings, answer.settings);
    assert.deepEqual(
      [(await settings())?.pauseRetention?.seconds, (await settings())?.maxVolumes],
      [3_600n, 3],
    );
  });

  it("are nobody else's", async () => {
    const theirs = { workspaceId: elsewhere };
    for (const call of [
      bench.sandbox.getWorkspaceSandboxSettings(theirs),
      bench.sandbox.updateWorkspaceSandboxSettings(theirs),
      bench.sandbox.getWorkspaceSnapshotRetentionSettings(theirs),
      bench.sandbox.updateWorkspaceSnapshotRetentionSettings(theirs),
      bench.sandbox.getWorkspaceSandboxUsage(theirs),
      bench.sandbox.getWorkspaceSandboxUsage({ projectId: elsewhere }),
    ]) {
      assert.equal((await failureOf(call)).code, Code.PermissionDenied);
    }
  });
});

describe("what a workspace uses, on the wire", () => {
  it("is counted, with its unit and its limit", async () => {
    await update({ maxConcurrentSessions: 3 });
    await bench.sandbox.createSession({ ...self, waitReady: true, diskSizeGb: 5 });
    const { limits } = await bench.sandbox.getWorkspaceSandboxUsage({});
    const of = (key: string) => limits.find((limit) => limit.key === key);
    assert.deepEqual([of("active_sessions")?.current, of("active_sessions")?.max], [1n, 3n]);
    assert.equal(of("active_sessions")?.unit, SandboxUsageUnit.COUNT);
    assert.deepEqual([of("total_bytes")?.current, of("total_bytes")?.max], [5n * 2n ** 30n, undefined]);
    assert.equal(of("total_bytes")?.unit, SandboxUsageUnit.BYTES);
    assert.ok(limits.every(({ label, helpText }) => label !== "" && helpText !== ""));
  });

  it("is bounded for who creates", async () => {
    await update({ maxConcurrentSessions: 1 });
    await bench.running();
    const failure = await failureOf(bench.sandbox.createSession(self));
    assert.equal(failure.code, Code.ResourceExhausted);
    assert.match(failure.rawMessage, /limit of 1 active sessions/);
  });
});
