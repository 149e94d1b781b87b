import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { download } from "../../src/client/download.js";
import { moment } from "../../src/cli/flags/parsers/times.js";
import { writeLocalFile } from "../../src/cli/local-file.js";
import { goodToken, MemoryService } from "./support/memory-service.js";
import { TestWorld } from "./support/test-io.js";

interface Shown {
  readonly id: string;
  readonly name: string | null;
  readonly tags: readonly string[];
  readonly durability: string;
  readonly session_id: string;
  readonly expires_at: string | null;
}

describe("sandbox snapshot", () => {
  let service: MemoryService;
  let world: TestWorld;
  before(async () => {
    service = await MemoryService.start();
    world = await TestWorld.open({ TENKI_API_KEY: goodToken, TENKI_API_ENDPOINT: service.endpoint });
    await world.ok(["sandbox", "create", "--name", "demo", "--tags", "a", "--metadata", "k=v"]);
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });
  const words = (...more: string[]) => ["sandbox", "snapshot", ...more];

  it("is taken of the session that is named, or of the current one, and waited for", async () => {
    const taken = await world.json<Shown>(
      words("create", "demo", "--name", "one", "--tags", "x", "--expires-at", "2999-01-31T12:00:00+01:00"),
    );
    assert.deepEqual(
      [taken.name, taken.tags, taken.expires_at, taken.durability],
      ["one", ["x"], "2999-01-31T11:00:00Z", "LOCAL_READY"],
    );
    const durable = await world.json<Shown>(words("create", "--wait-durable"));
    assert.deepEqual([durable.durability, durable.session_id], ["DURABLE", taken.session_id]);
    const listed = await world.json<Shown[]>(words("list", "--session", "demo"));
    assert.deepEqual(
      listed.map(({ id }) => id),
      [durable.id, taken.id],
    );
    assert.equal((await world.json<Shown[]>(words("list", "--dangling"))).length, 1);
    assert.equal((await world.json<Shown[]>(words("list", "--tags", "x"))).length, 1);
    assert.match(await world.ok(words("list")), /^ID +NAME +STATE +TYPE +SIZE +SESSION +CREATED +EXPIRES\n/);
  });

  it("is changed by its name, and made into a session", async () => {
    const changed = await world.json<Shown>(words("update", "one", "--name", "two", "--clear-expires-at"));
    assert.deepEqual([changed.name, changed.expires_at], ["two", null]);
    const restored = await world.json<{ id: string }>(
      words("restore", "two", "--name", "again", "--cpu", "1"),
    );
    const [asked] = service.sessions.created.slice(-1);
    assert.deepEqual([asked?.snapshotId, asked?.name, asked?.cpuCores], [changed.id, "again", 1]);
    assert.equal((await world.json<{ id: string }>(["sandbox", "get"])).id, restored.id);
    await world.ok(["sandbox", "create", "--snapshot", "two", "--no-wait"]);
    assert.equal(service.sessions.created.at(-1)?.snapshotId, changed.id);
  });

  it("is not guessed between two of a name", async () => {
    for (let twice = 0; twice < 2; twice += 1) await world.ok(words("create", "demo", "--name", "twin"));
    for (const call of [
      words("get", "twin"),
      words("restore", "twin"),
      ["sandbox", "create", "--snapshot", "twin"],
    ]) {
      const { code, stderr } = await world.call(call);
      assert.equal(code, 2);
      assert.match(stderr, /ambiguous name "twin": 2 snapshots have it: .*3MiB/);
    }
  });

  it("is deleted with all that are named, or it says which are gone", async () => {
    const { id } = await world.json<Shown>(words("create", "demo", "--name", "short-lived"));
    const gone = "0190d3c5-0000-7000-8000-0000000000ff";
    const { code, stdout, stderr } = await world.call(
      words("delete", "short-lived", gone, "--yes", "--json"),
    );
    assert.equal(code, 4);
    assert.deepEqual(JSON.parse(stdout), { deleted: [id] });
    assert.match(stderr, /snapshot not found/);
  });

  it("holds no memory, whatever the service says of it, and none is taken then", async () => {
    const before = await world.json<Shown[]>(words("list"));
    const answers: readonly [readonly string[] | undefined, string][] = [
      [["one thing", "another"], "one thing; another"],
      [[], "the service could, but this command line cannot ask for it"],
      [undefined, `the service at ${service.endpoint} knows nothing of memory in snapshots`],
    ];
    for (const [obstacles, why] of answers) {
      service.memoryObstacles = obstacles;
      const { code, stdout, stderr } = await world.call(words("create", "demo", "--memory"));
      assert.deepEqual([code, stdout], [1, ""]);
      const [error, hint] = stderr.split("\n");
      assert.equal(error, `error: cannot take the memory of processes: ${why}`);
      assert.match(hint ?? "", /^hint: leave --memory out/);
    }
    assert.deepEqual(await world.json(words("list")), before);
  });

  it("has a link", async () => {
    const shown = await world.json<{ url: string; expires_at: string }>(words("download-url", "two"));
    assert.match(shown.url, /\/snapshots\/.*\/download$/);
    assert.equal(shown.expires_at, "2026-01-01T00:15:00Z");
  });

  it("serves a fork: like the session, of a snapshot that is gone afterwards", async () => {
    const before = (await world.json<Shown[]>(words("list"))).length;
    const forked = await world.json<{ id: string; name: string }>([
      "sandbox",
      "fork",
      "demo",
      "--name",
      "copy",
    ]);
    assert.equal(forked.name, "copy");
    const asked = service.sessions.created.at(-1);
    assert.deepEqual([asked?.tags, asked?.metadata, asked?.cpuCores], [["a"], { k: "v" }, 2]);
    assert.match(asked?.snapshotId ?? "", /^0190d3c5-/);
    assert.equal((await world.json<Shown[]>(words("list"))).length, before);
    assert.equal((await world.json<{ id: string }>(["sandbox", "get"])).id, forked.id);
    await world.ok(["sandbox", "fork", "demo", "--keep-snapshot"]);
    const [kept] = await world.json<Shown[]>(words("list"));
    assert.deepEqual([kept?.name, kept?.expires_at], ["fork of demo", null]);
  });

  it("serves a fork that reaches no more than its session did", async () => {
    await world.ok(["sandbox", "create", "--name", "shut-in", "--allow-egress", "github.com"]);
    const { id } = await world.json<{ id: string }>(["sandbox", "fork", "shut-in"]);
    assert.deepEqual(service.sessions.allowed.get(id), ["github.com"]);
  });
});

describe("a moment that is to come", () => {
  it("is read in RFC 3339, or as so long from now", () => {
    assert.equal(moment.read("2999-01-31T12:00:00.5Z")?.toISOString(), "2999-01-31T12:00:00.500Z");
    const inOneHour = moment.read("1h")?.getTime() ?? 0;
    assert.ok(Math.abs(inOneHour - Date.now() - 3_600_000) < 60_000);
    for (const word of [
      "",
      "0s",
      "tomorrow",
      "2999-01-31",
      "2999-13-31T12:00:00Z",
      "2001-01-01T00:00:00Z",
      "5",
    ]) {
      assert.equal(moment.read(word), undefined, word);
    }
  });
});

/** Where a tar comes from: by a link, over HTTP. */
describe("a download", () => {
  let server: Server;
  let url: string;
  let directory: string;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "tenki-download-"));
    server = createServer((request, response) => {
      if (request.url === "/whole") response.end("the whole of it");
      else if (request.url === "/half") {
        response.write("the first half");
        setImmediate(() => response.destroy());
      } else response.writeHead(403).end("the link has expired\n");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });

  it("appears as a whole, or not at all, and leaves nothing", async () => {
    const target = join(directory, "whole.tar");
    await writeLocalFile(target, await download(`${url}/whole`, {}));
    assert.equal(readFileSync(target, "utf8"), "the whole of it");
    const half = writeLocalFile(target, await download(`${url}/half`, {}));
    await assert.rejects(half, /broke off before its end/);
    assert.equal(readFileSync(target, "utf8"), "the whole of it");
    assert.deepEqual(readdirSync(directory), ["whole.tar"]);
  });

  it("says why it is refused, and that nobody answers", async () => {
    await assert.rejects(download(`${url}/`, {}), /^SandboxError: the link has expired$/);
    await assert.rejects(download("http://127.0.0.1:1/", {}), /cannot reach http:\/\/127\.0\.0\.1:1/);
    await assert.rejects(download(`${url}/whole`, { signal: AbortSignal.abort(new Error("stop")) }), /stop/);
  });
});
