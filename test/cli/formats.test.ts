import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { parse } from "yaml";
import { endedExecution } from "./support/execution-routes.js";
import { leafPaths } from "./support/command-tree.js";
import { goodToken, MemoryService } from "./support/memory-service.js";
import { TestWorld } from "./support/test-io.js";

/**
 * What needs a terminal, a repository, OpenSSH or an engine to be reached: run.test.ts, git.test.ts, ssh*.test.ts, and
 * end to end forward, expose and preview-url; snapshots.test.ts: a tar is no document.
 */
const elsewhere =
  /^sandbox (shell|git fetch-pr|ssh\b.*|forward|tunnel|expose|unexpose|ports|preview-url .*|snapshot export)$/;

/** Every command that can be run without an engine; what it prints is data in each format. */
const lines: readonly string[] = [
  "login --api-key tk_good",
  "status",
  "whoami",
  "version",
  "completion bash",
  "sandbox create --name demo --tags a",
  "sandbox list",
  "sandbox get demo",
  "sandbox set demo",
  "sandbox update demo --sticky",
  "sandbox wait demo",
  "sandbox extend 1h",
  "sandbox pause demo",
  "sandbox resume demo",
  "sandbox usage",
  "sandbox top",
  "sandbox settings get",
  "sandbox settings set --max-volumes 3",
  "sandbox volume create cache --size 10GiB",
  "sandbox volume list",
  "sandbox volume attach demo cache --mount /data",
  "sandbox volume get cache",
  "sandbox volume update cache --tags ci",
  "sandbox volume resize cache --size 20GiB",
  "sandbox volume detach demo cache",
  "sandbox volume delete cache",
  "sandbox snapshot create demo --name nightly",
  "sandbox snapshot list",
  "sandbox snapshot get nightly",
  "sandbox snapshot update nightly --tags ci",
  "sandbox snapshot download-url nightly",
  "sandbox snapshot restore nightly --name again",
  "sandbox fork demo --name copy",
  "sandbox snapshot delete nightly",
  "sandbox terminate again",
  "sandbox terminate copy",
  "sandbox set demo",
  "sandbox write --path file --data text",
  "sandbox read --path file",
  "sandbox exec -- true",
  "sandbox run -- true",
  "sandbox exec list demo",
  `sandbox exec attach ${endedExecution}`,
  `sandbox exec logs ${endedExecution}`,
  `sandbox exec wait ${endedExecution}`,
  `sandbox exec signal ${endedExecution}`,
  "sandbox cp demo:file copy",
  "sandbox git clone https://example.com/acme/demo",
  "sandbox git checkout main",
  "sandbox git diff",
  "sandbox git log",
  "sandbox fs ls",
  "sandbox fs stat file",
  "sandbox fs mkdir -p folder",
  "sandbox fs cat file",
  "sandbox fs mv folder moved",
  "sandbox fs rm -r moved",
  "config path",
  "config set gateway wss://example.com",
  "config get gateway",
  "config list",
  "sandbox terminate demo",
  "logout",
];

describe("every command that prints data", () => {
  let service: MemoryService;
  let world: TestWorld;
  before(async () => {
    service = await MemoryService.start({ executions: true });
    world = await TestWorld.open({ TENKI_API_KEY: goodToken, TENKI_API_ENDPOINT: service.endpoint });
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });
  const documents = new Map<string, unknown>();

  for (const line of lines) {
    it(`in JSON: ${line}`, async () => {
      const stdout = await world.ok(["--json", ...line.split(" ")], { input: "" });
      documents.set(line, JSON.parse(stdout));
    });
  }

  for (const line of lines) {
    it(`in YAML, with the same fields: ${line}`, async () => {
      const stdout = await world.ok(["-o", "yaml", ...line.split(" ")], { input: "" });
      assert.deepEqual(keysOf(parse(stdout)), keysOf(documents.get(line)));
    });
  }

  it("is among those above, or is the engine's", () => {
    const covered = new Set(
      lines.map((line) =>
        leafPaths()
          .findLast((path) => `${line} `.startsWith(`${path.join(" ")} `))
          ?.join(" "),
      ),
    );
    const left = leafPaths()
      .map((path) => path.join(" "))
      .filter((path) => !path.startsWith("engine ") && !covered.has(path) && !elsewhere.test(path));
    assert.deepEqual(left, []);
  });
});

function keysOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(keysOf);
  return typeof value === "object" && value !== null ? Object.keys(value).sort() : typeof value;
}
