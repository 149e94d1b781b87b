import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { CapabilityUnavailableError, GiB, MB, TiB } from "../../src/client/index.js";
import {
  exited,
  scriptedService,
  sessionId,
  started,
  stderr,
  stdout,
  timestamp,
  up,
} from "./scripted-service.js";

/** What a message says, without what it leaves unsaid. */
const plain = (message: object): unknown =>
  JSON.parse(
    JSON.stringify(message, (key, value: unknown) => {
      if (key === "$typeName") return undefined;
      return typeof value === "bigint" ? Number(value) : value;
    }),
  );

test("volumes", async () => {
  const requests: unknown[] = [];
  const volume = {
    ...{ id: "v", workspaceId: "w", name: "cache", sizeBytes: 5n << 30n, state: 4, tags: ["a"] },
    ...{ createdAt: "2026-01-02T03:04:05Z", updatedAt: "" },
  };
  const note =
    <T>(answer: T) =>
    (message: object): T => (requests.push(plain(message)), answer);
  await using service = await scriptedService({
    sandbox: {
      createVolume: note({ volume }),
      getVolume: () => ({
        volume,
        activeAttachments: [{ id: "at", volumeId: "v", sessionId, mountPath: "/d" }],
      }),
      listVolumes: ({ pageToken }) =>
        pageToken === "" ? { volumes: [volume], nextPageToken: "2" } : { volumes: [{ ...volume, id: "w" }] },
      updateVolume: note({ volume }),
      resizeVolume: note({ volume }),
      deleteVolume: note({}),
      attachVolume: note({
        attachment: { id: "at", volumeId: "v", sessionId, mountPath: "/d", readonly: true },
      }),
      detachVolume: note({}),
    },
  });
  const client = service.client();
  const session = client.session(sessionId);
  const made = await client.createVolume({ name: "cache", sizeBytes: 5 * GiB });
  assert.deepEqual(made, {
    ...{
      id: "v",
      workspaceId: "w",
      projectId: "",
      name: "cache",
      sizeBytes: 5 * GiB,
      state: "IN_USE",
      tags: ["a"],
    },
    ...{ createdAt: new Date("2026-01-02T03:04:05Z"), updatedAt: undefined, activeAttachments: undefined },
  });
  assert.equal((await client.getVolume("v")).activeAttachments?.[0]?.mountPath, "/d");
  assert.deepEqual(
    (await client.listVolumes()).map(({ id }) => id),
    ["v", "w"],
  );
  await client.updateVolume("v", { tags: [] });
  await client.resizeVolume("v", 6 * GiB);
  await client.deleteVolume("v");
  assert.equal((await session.attachVolume("v", "/d", { readOnly: true })).readonly, true);
  await session.detachVolume("v", { force: true });
  assert.deepEqual(requests, [
    { workspaceId: "", name: "cache", sizeBytes: 5 * GiB },
    { volumeId: "v", tags: [], clearTags: true },
    { volumeId: "v", newSizeBytes: 6 * GiB },
    { volumeId: "v" },
    { sessionId, volume: { volumeId: "v", mountPath: "/d", readonly: true } },
    { sessionId, volumeId: "v", forceDetach: true },
  ]);
});

test("waiting for a volume ends when it can be attached, or never will be", async () => {
  const states = [4, 4, 1];
  await using service = await scriptedService({
    sandbox: { getVolume: () => ({ volume: { id: "v", state: states.shift() ?? 2 } }) },
  });
  const client = service.client();
  assert.equal((await client.waitVolumeReady("v")).state, "AVAILABLE");
  await assert.rejects(client.waitVolumeReady("v"), { name: "VolumeNotFoundError" });
});

test("snapshots", async () => {
  const requests: unknown[] = [];
  const snapshot = {
    ...{ id: "n", sessionId, workspaceId: "w", name: "before", state: 2, type: 1, durabilityState: 4 },
    ...{ sizeBytes: 10n, compressedBytes: 4n, memoryBytes: 0n, cpuCores: 2, memoryMb: 512, diskSizeGb: 10 },
    createdAt: timestamp(1_700_000_000_000),
  };
  const note =
    <T>(answer: T) =>
    (message: object): T => (requests.push(plain(message)), answer);
  const page = () => ({ snapshots: [snapshot] });
  await using service = await scriptedService({
    sandbox: {
      createSnapshot: note({ snapshot }),
      getSnapshot: () => ({ snapshot }),
      listWorkspaceSnapshots: page,
      listSessionSnapshots: page,
      listDanglingSnapshots: page,
      updateSnapshot: note({ snapshot }),
      deleteSnapshot: note({ snapshot }),
      getSnapshotDownloadURL: () => ({ url: "https://x", expiresAt: timestamp(5_000) }),
    },
  });
  const client = service.client();
  const expiresAt = new Date(1_800_000_000_000);
  const made = await client.createSnapshot(sessionId, { name: "before", expiresAt });
  assert.deepEqual(
    [made.state, made.type, made.durability, made.sizeBytes, made.createdAt?.getTime(), made.failureReason],
    ["READY", "USER", "DURABLE", 10, 1_700_000_000_000, undefined],
  );
  await client.createSnapshotAndWait(sessionId);
  await client.updateSnapshot("n", { name: "after", clearExpiresAt: true, tags: ["a"] });
  await client.deleteSnapshot("n");
  for (const list of [
    client.listSnapshots(),
    client.listSessionSnapshots(sessionId),
    client.listDanglingSnapshots(),
  ]) {
    assert.deepEqual(
      (await list).map(({ id }) => id),
      ["n"],
    );
  }
  assert.deepEqual(await client.getSnapshotDownloadURL("n"), {
    url: "https://x",
    expiresAt: new Date(5_000),
  });
  assert.deepEqual(requests, [
    { sessionId, name: "before", expiresAt: { seconds: 1_800_000_000, nanos: 0 }, async: false },
    { sessionId, async: true },
    { snapshotId: "n", name: "after", tags: ["a"], clearTags: false, clearExpiresAt: true },
    { snapshotId: "n" },
  ]);
});

test("a snapshot that fails says why", async () => {
  await using service = await scriptedService({
    sandbox: { getSnapshot: () => ({ snapshot: { id: "n", state: 3, failureReason: "disk full" } }) },
  });
  await assert.rejects(service.client().waitSnapshotReady("n"), {
    name: "SnapshotFailedError",
    message: "snapshot n will not be ready: disk full (state=FAILED)",
  });
});

test("a wait that is out of time says what it waited for", async () => {
  await using service = await scriptedService({
    sandbox: { getSnapshot: () => ({ snapshot: { id: "n", state: 1 } }) },
  });
  await assert.rejects(service.client().waitSnapshotReady("n", 200), {
    kind: "deadline_exceeded",
    message: "waited 200ms for snapshot n to be ready",
  });
});

test("ports", async () => {
  const requests: unknown[] = [];
  await using service = await scriptedService({
    sandbox: {
      exposePort: (message) => {
        requests.push(plain(message));
        return { port: message.port, previewUrl: "http://127.0.0.1:1234", slug: "s" };
      },
      unexposePort: (message) => (requests.push(plain(message)), {}),
      listExposedPorts: () => ({ ports: [{ port: 3000, previewUrl: "u", expiresAt: timestamp(9_000) }] }),
    },
  });
  const session = service.client().session(sessionId);
  const begun = Date.now();
  const exposed = await session.exposePort(3000, { ttlMs: 60_000, slug: "s" });
  assert.deepEqual([exposed.port, exposed.previewUrl, exposed.slug], [3000, "http://127.0.0.1:1234", "s"]);
  const { expiresAt } = requests[0] as { expiresAt: { seconds: number } };
  assert.ok(Math.abs(expiresAt.seconds * 1_000 - (begun + 60_000)) < 5_000);
  await session.unexposePort(3000);
  assert.deepEqual(requests[1], { sessionId, port: 3000 });
  assert.deepEqual((await session.listExposedPorts())[0]?.expiresAt, new Date(9_000));
});

test("preview URLs", async () => {
  const requests: unknown[] = [];
  const previewUrl = { id: "u", slug: "demo", previewUrl: "https://demo", sessionId, port: 80 };
  const note =
    <T>(answer: T) =>
    (message: object): T => (requests.push(plain(message)), answer);
  await using service = await scriptedService({
    sandbox: {
      createPreviewUrl: note({ previewUrl }),
      getPreviewUrl: note({ previewUrl }),
      listPreviewUrls: () => ({ previewUrls: [previewUrl] }),
      bindPreviewUrl: note({ previewUrl }),
      unbindPreviewUrl: note({ previewUrl: { ...previewUrl, sessionId: undefined, port: undefined } }),
      deletePreviewUrl: note({}),
    },
  });
  const { previewUrls } = service.client();
  assert.equal((await previewUrls.create("demo", { sessionId, port: 80 })).previewUrl, "https://demo");
  await previewUrls.get("u");
  await previewUrls.getBySlug("demo");
  await previewUrls.bind("u", sessionId, 80);
  assert.equal((await previewUrls.unbind("u")).sessionId, undefined);
  await previewUrls.delete("u");
  assert.equal((await previewUrls.list())[0]?.slug, "demo");
  assert.deepEqual(requests, [
    { projectId: "", slug: "demo", sessionId, port: 80 },
    { lookup: { case: "previewUrlId", value: "u" } },
    { lookup: { case: "slug", value: "demo" } },
    { previewUrlId: "u", sessionId, port: 80 },
    { previewUrlId: "u" },
    { previewUrlId: "u" },
  ]);
});

test("usage", async () => {
  await using service = await scriptedService({
    sandbox: {
      getWorkspaceSandboxUsage: ({ workspaceId }) => ({
        limits: [
          { key: "active_sessions", label: workspaceId, unit: 1, current: 3n, max: 10n },
          { key: "bytes", unit: 2, current: 5n },
        ],
      }),
    },
  });
  assert.deepEqual(await service.client().getUsage({ workspaceId: "w" }), [
    { key: "active_sessions", label: "w", unit: "count", current: 3, max: 10, helpText: "" },
    { key: "bytes", label: "", unit: "bytes", current: 5, max: undefined, helpText: "" },
  ]);
});

test("what sessions use, where the service tells", async () => {
  await using service = await scriptedService({
    stats: {
      getSessionStats: ({ sessionIds }) => ({
        sessions: [
          {
            sessionId: sessionIds.join(),
            name: "n",
            state: "PAUSED",
            sampledAt: { seconds: 5n },
            memoryBytes: 7n,
          },
        ],
      }),
    },
  });
  const [stats] = await service.client().getStats([sessionId]);
  assert.deepEqual(
    [stats?.sessionId, stats?.state, stats?.sampledAt],
    [sessionId, "PAUSED", new Date(5_000)],
  );
  assert.deepEqual([stats?.memoryBytes, stats?.cpuUsageUs], [7, undefined]);
  await using other = await scriptedService({});
  await assert.rejects(
    other.client().getStats(),
    (error: unknown) =>
      error instanceof CapabilityUnavailableError &&
      error.message.includes("does not tell what sessions use"),
  );
});

test("settings", async () => {
  const asked = (message: object) =>
    Object.fromEntries(Object.entries(plain(message) as object).filter(([, value]) => value !== false));
  const requests: unknown[] = [];
  const workspaceId = "0190d3c5-0000-7000-8000-0000000000aa";
  await using service = await scriptedService({
    sandbox: {
      whoAmI: () => ({ workspaces: [{ workspaceId }] }),
      getWorkspaceSandboxSettings: (message) => ({
        settings: {
          workspaceId: message.workspaceId,
          maxVolumes: 3,
          maxTotalBytes: 5n,
          pauseRetention: { seconds: 9n },
        },
      }),
      updateWorkspaceSandboxSettings: (message) => (requests.push(asked(message)), {}),
    },
  });
  const client = service.client();
  const { maxVolumes, maxTotalBytes, pauseRetentionMs, maxSnapshots } = await client.getSettings();
  assert.deepEqual([maxVolumes, maxTotalBytes, pauseRetentionMs, maxSnapshots], [3, 5, 9_000, undefined]);
  await client.updateSettings({ maxVolumes: null, maxTotalBytes: 2 ** 40, pauseRetentionMs: 1_500 });
  await client.updateSettings({ snapshotRetentionMs: null }, { workspaceId: "w" });
  assert.deepEqual(requests, [
    {
      workspaceId,
      clearMaxVolumes: true,
      maxTotalBytes: 2 ** 40,
      pauseRetention: { seconds: 1, nanos: 500_000_000 },
    },
    { workspaceId: "w", clearSnapshotRetention: true },
  ]);
  assert.equal(service.count("WhoAmI"), 2, "only where no workspace is named");
});

test("settings of several workspaces are nobody's guess", async () => {
  await using service = await scriptedService({
    sandbox: {
      whoAmI: () => ({
        workspaces: [
          { workspaceId: "a", name: "one" },
          { workspaceId: "b", name: "two" },
        ],
      }),
    },
  });
  await assert.rejects(service.client().getSettings(), /there are several: a \(one\), b \(two\)/);
});

test("git goes by the service, with what was given and nothing else", async () => {
  const requests: unknown[] = [];
  await using service = await scriptedService({
    sandbox: { gitOperation: (message) => (requests.push(plain(message)), { output: "done" }) },
  });
  const { git } = service.client().session(sessionId);
  assert.equal(await git.clone("https://x", { depth: 1, directory: "repo" }), "done");
  await git.checkout("feature", { create: true });
  await git.diff();
  await git.log({ maxCount: 10, path: "src" });
  assert.deepEqual(requests, [
    { sessionId, operation: "clone", args: { repo: "https://x", depth: "1", directory: "repo" } },
    { sessionId, operation: "checkout", args: { ref: "feature", create: "true" } },
    { sessionId, operation: "diff", args: {} },
    { sessionId, operation: "log", args: { max_count: "10", path: "src" } },
  ]);
});

test("a pull request is fetched into a branch of its own", async () => {
  const commands: string[][] = [];
  let exitCode = 0;
  await using service = await scriptedService({
    dataPlane: {
      run: async function* (messages) {
        for await (const payload of up(messages)) {
          if (payload.case !== "start") continue;
          commands.push(payload.value.cmd);
          break;
        }
        yield started();
        yield stdout("said");
        yield stderr("no such ref\n");
        yield exited({ exitCode });
      },
    },
  });
  const { git } = service.client().session(sessionId);
  assert.equal(await git.fetchPR(42, { directory: "repo" }), "said\nsaid");
  assert.deepEqual(commands, [
    ["git", "-C", "repo", "fetch", "origin", "pull/42/head:pr-42"],
    ["git", "-C", "repo", "checkout", "pr-42", "--"],
  ]);
  exitCode = 1;
  await assert.rejects(git.fetchPR(42), {
    name: "GitOperationFailedError",
    exitCode: 1,
    stderr: "no such ref",
  });
  await assert.rejects(git.fetchPR(0), { kind: "invalid_argument" });
});

test("what a deployment does not have is said to be so", async () => {
  await using service = await scriptedService({});
  const client = service.client();
  await assert.rejects(client.listVolumes(), { name: "CapabilityUnavailableError", kind: "unimplemented" });
  await assert.rejects(client.session(sessionId).pause(), { kind: "unimplemented" });
});

test("an agent's prompt is run by its command line, and its report is read", async () => {
  const commands: string[][] = [];
  const report = [
    { type: "step_start", sessionID: "ses_1", part: {} },
    { type: "text", sessionID: "ses_1", part: { text: "I fixed ä it" } },
    { type: "step_finish", sessionID: "ses_1", part: { cost: 0.25 } },
    { type: "step_finish", sessionID: "ses_1", part: { cost: 0.5 } },
  ]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join("");
  await using service = await scriptedService({
    dataPlane: {
      run: async function* (messages) {
        for await (const payload of up(messages)) {
          if (payload.case !== "start") continue;
          commands.push(payload.value.cmd);
          break;
        }
        yield started();
        const bytes = Buffer.from(report);
        for (let at = 0; at < bytes.length; at += 7) yield stdout(bytes.subarray(at, at + 7));
        yield exited();
      },
    },
  });
  const { openCode } = service.client().session(sessionId);
  const types: string[] = [];
  const run = await openCode.run("fix it", { model: "a/b", onEvent: ({ type }) => void types.push(type) });
  assert.deepEqual([run.text, run.totalCost, run.exitCode], ["I fixed ä it", 0.75, 0]);
  assert.deepEqual(types, ["step_start", "text", "step_finish", "step_finish"]);
  const instance = await openCode.startInstance({ model: "c/d" });
  await instance.run("one");
  await instance.run("two");
  assert.deepEqual(commands, [
    ["opencode", "run", "--format", "json", "--model", "a/b", "--", "fix it"],
    ["opencode", "run", "--format", "json", "--model", "c/d", "--", "one"],
    ["opencode", "run", "--format", "json", "--model", "c/d", "--session", "ses_1", "--", "two"],
  ]);
});

test("an agent that is not there is said so", async () => {
  await using service = await scriptedService({
    dataPlane: {
      run: async function* () {
        yield exited({ reason: "spawn_failed: no such file or directory", errno: 2, exitCode: 127 });
      },
    },
  });
  await assert.rejects(service.client().session(sessionId).openCode.run("x"), {
    message: "opencode failed in the sandbox: it is not installed",
  });
});

test("aborting interrupts the prompt that runs", async () => {
  await using service = await scriptedService({
    dataPlane: {
      run: async function* (messages) {
        yield started();
        yield stdout('{"type":"step_start"}\n');
        for await (const payload of up(messages)) {
          if (payload.case !== "signal") continue;
          yield exited({ signal: "INT", exitCode: 130, reason: "signaled" });
          return;
        }
      },
    },
  });
  const { openCode } = service.client().session(sessionId);
  const running = openCode.run("x", { onEvent: () => openCode.abort() });
  await assert.rejects(running, { message: "opencode failed in the sandbox: exit code 130" });
});

test("errors of a resource are typed like those of a session", async () => {
  await using service = await scriptedService({
    sandbox: {
      getVolume: () => {
        throw new ConnectError("volume not found", Code.NotFound);
      },
    },
  });
  await assert.rejects(service.client().getVolume("v"), { name: "VolumeNotFoundError" });
});

test("a service that tells nothing of memory in snapshots is told apart from one that says why", async () => {
  await using service = await scriptedService({});
  await assert.rejects(service.client().snapshots.memoryObstacles(), {
    name: "CapabilityUnavailableError",
    message: `the service at ${service.endpoint} knows nothing of memory in snapshots`,
  });
});

test("sizes", () => {
  assert.deepEqual([MB, GiB, TiB], [1_000_000, 2 ** 30, 2 ** 40]);
});
