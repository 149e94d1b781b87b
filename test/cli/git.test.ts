import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { goodToken, MemoryService } from "./support/memory-service.js";
import { TestWorld } from "./support/test-io.js";

/** A repository that is its own remote, and has one pull request. */
function makeRepository(path: string): void {
  execFileSync("git", ["init", "-q", path]);
  const author = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
  const run = (...args: string[]) => execFileSync("git", ["-C", path, ...author, ...args]);
  run("commit", "-q", "--allow-empty", "-m", "first");
  run("update-ref", "refs/pull/7/head", "HEAD");
  run("remote", "add", "origin", path);
}

const branchOf = (path: string): string =>
  execFileSync("git", ["-C", path, "branch", "--show-current"], { encoding: "utf8" }).trim();

describe("git", () => {
  let service: MemoryService;
  let world: TestWorld;
  before(async () => {
    service = await MemoryService.start();
    world = await TestWorld.open({ TENKI_API_KEY: goodToken, TENKI_API_ENDPOINT: service.endpoint });
    await world.ok(["sandbox", "create", "--name", "demo"]);
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });
  const git = (...args: string[]) => world.call(["sandbox", "git", ...args]);
  const sent = async (...args: string[]) => {
    const { output } = await world.json<{ output: string }>(["sandbox", "git", ...args]);
    return JSON.parse(output.slice(output.indexOf("{"))) as Record<string, string>;
  };

  it("hands over what was said, and nothing else", async () => {
    const repo = "https://example.com/acme/demo.git";
    assert.deepEqual(await sent("clone", repo), { repo });
    assert.deepEqual(await sent("clone", repo, "--branch", "next", "--depth", "1", "--directory", "there"), {
      ...{ repo, branch: "next", depth: "1", directory: "there" },
    });
    assert.deepEqual(await sent("checkout", "-b", "try"), { ref: "try", create: "true" });
    assert.deepEqual(await sent("log", "-n", "3", "--range", "a..b", "--path", "src", "--directory", "x"), {
      ...{ max_count: "3", range: "a..b", path: "src", directory: "x" },
    });
  });

  it("prints what was asked for on stdout, and what was done on stderr", async () => {
    const log = await git("log", "demo");
    assert.deepEqual([log.code, log.stdout, log.stderr], [0, "log {}\n", ""]);
    assert.deepEqual(await git("diff", "demo"), { code: 0, stdout: "", stderr: "" });
    const checkout = await git("checkout", "main");
    assert.deepEqual([checkout.code, checkout.stdout, checkout.stderr], [0, "", 'checkout {"ref":"main"}\n']);
    assert.equal((await git("-q", "checkout", "main")).stderr, "");
    assert.deepEqual(await world.json(["sandbox", "git", "diff"]), { operation: "diff", output: "" });
  });

  it("takes as long as it is given", async () => {
    const { code, stderr } = await git("checkout", "slowly", "--timeout", "50ms");
    assert.equal(code, 5);
    assert.match(stderr, /^error: .*50ms/);
  });

  it("fetches a pull request of the one repository there is, or of the one that is named", async () => {
    const { root } = service.sessions.byName("demo");
    makeRepository(join(root, "one"));
    const fetched = await git("fetch-pr", "7");
    assert.deepEqual([fetched.code, fetched.stdout], [0, ""]);
    assert.equal(branchOf(join(root, "one")), "pr-7");
    makeRepository(join(root, "two"));
    const { code, stderr } = await git("fetch-pr", "7", "--branch-prefix", "review");
    assert.equal(code, 1);
    assert.match(stderr, /2 repositories/);
    const named = ["--branch-prefix", "review", "--directory", "two"];
    const { operation } = await world.json<{ operation: string }>([
      "sandbox",
      "git",
      "fetch-pr",
      "7",
      ...named,
    ]);
    assert.deepEqual([operation, branchOf(join(root, "two"))], ["fetch-pr", "review-7"]);
    const missing = await git("fetch-pr", "8", "--directory", "two");
    assert.equal(missing.code, 1);
    assert.match(
      missing.stderr,
      /^error: git fetch failed \(exit_code=128\); check the repository, ref and access token/,
    );
  });
});
