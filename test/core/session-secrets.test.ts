import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Commands } from "../../src/engine/core/commands/commands.js";
import { blankSecrets } from "../../src/engine/core/git/blank-secrets.js";
import { Git } from "../../src/engine/core/git/git.js";
import { refused } from "./refused.js";
import { nothing, Workbench } from "./workbench.js";

const tokens = { GH_TOKEN: "ghp_planted", GIT_TOKEN: "ghp_planted" };
const never = new AbortController().signal;

async function environmentOf(bench: Workbench, id: string): Promise<Readonly<Record<string, string>>> {
  const commands = new Commands(bench.sessions, bench.parts.runtime);
  const request = { argv: ["true"], cwd: "", env: {}, terminal: false, privileged: false, timeoutMs: 0 };
  await commands.run(id, request, never);
  return bench.parts.runtime.sandboxes.get(id)?.commands.at(-1)?.env ?? {};
}

describe("a session's token", () => {
  it("is with its commands, and neither in the record nor in /etc/environment", async () => {
    const bench = new Workbench();
    const { id } = await bench.createRunning({ env: { ...tokens, PLAIN: "yes" } });
    const { PLAIN, GH_TOKEN, GIT_TOKEN } = await environmentOf(bench, id);
    assert.deepEqual([PLAIN, GH_TOKEN, GIT_TOKEN], ["yes", "ghp_planted", "ghp_planted"]);
    assert.doesNotMatch(JSON.stringify(bench.store.getSession(id)), /planted/);
    assert.deepEqual(bench.parts.runtime.sandboxes.get(id)?.spec.environment, { PLAIN: "yes" });
  });

  it("is found again in the sandbox by the next engine", async () => {
    const bench = new Workbench();
    const { id } = await bench.createRunning({ env: tokens });
    bench.lose();
    await bench.sessions.recover();
    assert.equal((await environmentOf(bench, id))["GH_TOKEN"], "ghp_planted");
  });

  it("is nobody's once the session has ended", async () => {
    const bench = new Workbench();
    const { id } = await bench.createRunning({ env: tokens });
    await bench.sessions.terminate(id);
    assert.deepEqual(bench.sessions.secrets.kept(id), {});
  });

  it("can be read by the sandbox's user only, on no disk, and is for GitHub and the server cloned from", async () => {
    const bench = new Workbench();
    const { id } = await bench.createRunning({
      env: tokens,
      cloneRepoUrl: "https://git.example.com:8443/a/b",
    });
    const files = bench.parts.runtime.sandboxes.get(id)?.spec.files ?? [];
    const holding = files.filter(({ content }) => content.includes("planted"));
    assert.deepEqual(
      holding.map(({ path, mode, owner }) => [path.startsWith("/run/"), mode, owner]),
      holding.map(() => [true, 0o400, "user"]),
    );
    const config = files.find(({ path }) => path === "/etc/gitconfig")?.content ?? "";
    assert.deepEqual(config.match(/^\[.*$/gm), [
      '[credential "https://github.com"]',
      '[credential "https://git.example.com:8443"]',
    ]);
  });

  it("is with the session again whose processes were lost while it was paused", async () => {
    const bench = new Workbench();
    const { id } = await bench.createRunning({ env: tokens, cloneRepoUrl: "https://git.example.com/a/b" });
    await bench.sessions.pause(id);
    bench.parts.runtime.die(id);
    await bench.sessions.resume(id);
    await bench.until(id, "RUNNING");
    assert.equal((await environmentOf(bench, id))["GH_TOKEN"], "ghp_planted");
    const files = bench.parts.runtime.sandboxes.get(id)?.spec.files ?? [];
    assert.ok(files.some(({ content }) => content.includes("https://git.example.com")));
  });

  it("is one word", () => {
    for (const value of ["two words", "line\nfeed", "x".repeat(9_000)]) {
      const create = () => new Workbench().create({ env: { GH_TOKEN: value } });
      assert.throws(create, refused("invalid_argument", "GH_TOKEN"));
    }
  });

  it("may be empty, which is none", async () => {
    const bench = new Workbench();
    const { id } = await bench.createRunning({ env: { GH_TOKEN: "" } });
    assert.equal((await environmentOf(bench, id))["GH_TOKEN"], "");
    assert.deepEqual(bench.parts.runtime.sandboxes.get(id)?.spec.files, []);
  });

  it("leaves a sandbox without one alone", async () => {
    const bench = new Workbench();
    const { id } = await bench.createRunning();
    assert.deepEqual(bench.parts.runtime.sandboxes.get(id)?.spec.files, []);
  });
});

describe("cloning at create", () => {
  it("is done before the session runs, and later operations are about it", async () => {
    const bench = new Workbench();
    const held = bench.parts.steps.hold("runtime.spawn");
    const { id } = bench.create({ cloneRepoUrl: "https://example.com/acme/demo.git" });
    await held.reached;
    assert.equal(bench.sessions.get(id).state, "CREATING");
    held.release();
    await bench.until(id, "RUNNING");
    assert.deepEqual(bench.parts.runtime.sandboxes.get(id)?.commands[0]?.argv.slice(0, 2), ["git", "clone"]);
    const git = new Git(bench.sessions, bench.parts.runtime);
    const at = async (args: Record<string, string>) =>
      (JSON.parse(await git.operate(id, "log", args, never)) as { cwd: string }).cwd;
    assert.equal(await at({}), "/home/tenki/demo");
    await git.operate(
      id,
      "clone",
      { repo: "https://example.com/other", directory: "/workspace/other" },
      never,
    );
    assert.equal(await at({}), "/workspace/other");
    assert.equal(await at({ directory: "demo" }), "/home/tenki/demo");
    const commands = new Commands(bench.sessions, bench.parts.runtime);
    const startOf = async (argv: readonly string[], cwd = "") => {
      await commands.run(id, { argv, cwd, env: {}, terminal: false, privileged: false, timeoutMs: 0 }, never);
      return bench.parts.runtime.sandboxes.get(id)?.commands.at(-1)?.cwd;
    };
    assert.equal(await startOf(["git", "fetch", "origin", "pull/1/head:pr-1"]), "/workspace/other");
    assert.equal(await startOf(["git", "checkout", "pr-1"], "demo"), "/home/tenki/demo");
    assert.equal(await startOf(["git", "clone", "https://example.com/x"]), "/home/tenki");
    assert.equal(await startOf(["true"]), "/home/tenki");
  });

  it("ends the session where it fails, and says why without the secrets", async () => {
    const bench = new Workbench();
    const created = bench.create({ env: tokens, cloneRepoUrl: "https://alice:hunter22@example.com/fails" });
    const { terminalError = "" } = await bench.until(created.id, "TERMINATED");
    assert.match(
      terminalError,
      /^git clone failed \(exit_code=128\); check the repository, ref and access token: fatal/,
    );
    assert.doesNotMatch(terminalError + JSON.stringify(bench.logged), /planted|hunter22|builder/);
  });

  it("is called off when the session is ended meanwhile", async () => {
    const bench = new Workbench();
    const held = bench.parts.steps.hold("runtime.spawn");
    const { id } = bench.create({ cloneRepoUrl: "https://example.com/demo" });
    await held.reached;
    const ended = await bench.sessions.terminate(id);
    assert.deepEqual([ended.state, ended.terminalError], ["TERMINATED", undefined]);
    assert.deepEqual(bench.parts.count(), nothing);
  });

  it("refuses an address that is none before there is a session", () => {
    const bench = new Workbench();
    assert.throws(() => bench.create({ cloneRepoUrl: "file:///etc" }), refused("invalid_argument", "no URL"));
    assert.deepEqual(bench.list().sessions, []);
  });

  it("speaks the network's protocols only, asks nobody, and hands over a login for this one call", async () => {
    const bench = new Workbench();
    const { id } = await bench.createRunning({ cloneRepoUrl: "https://alice:hunter22@example.com/demo" });
    const command = bench.parts.runtime.sandboxes.get(id)?.commands[0];
    assert.doesNotMatch(command?.argv.join(" ") ?? "", /alice|hunter22/);
    const { GIT_ALLOW_PROTOCOL, GIT_TERMINAL_PROMPT, TENKI_GIT_PASSWORD } = command?.env ?? {};
    assert.deepEqual(
      [GIT_ALLOW_PROTOCOL, GIT_TERMINAL_PROMPT, TENKI_GIT_PASSWORD],
      ["http:https:ssh:git", "0", "hunter22"],
    );
  });
});

describe("a failed operation", () => {
  it("has the words that clients match on, and no secret", async () => {
    const bench = new Workbench();
    const { id } = await bench.createRunning({ env: tokens });
    const git = new Git(bench.sessions, bench.parts.runtime);
    await assert.rejects(git.operate(id, "checkout", { ref: "fails" }, never), {
      kind: "failed_precondition",
      message:
        "git checkout failed (exit_code=128); check the repository, ref and access token: " +
        "fatal: *** undefined at https://***@example.com/",
    });
  });

  it("needs a running session", async () => {
    const bench = new Workbench();
    const { id } = await bench.createRunning();
    await bench.sessions.terminate(id);
    const git = new Git(bench.sessions, bench.parts.runtime);
    await assert.rejects(
      git.operate(id, "log", {}, never),
      refused("failed_precondition", "state=TERMINATED"),
    );
  });
});

describe("blanking", () => {
  it("knows how a secret may be spelled, and logins in URLs", () => {
    assert.equal(blankSecrets("a p@ss/word b p%40ss%2Fword", ["p@ss/word"]), "a *** b ***");
    assert.equal(
      blankSecrets("at https://u:p@h/x and ssh://git@h", []),
      "at https://***@h/x and ssh://***@h",
    );
    assert.equal(blankSecrets("abc", ["a", ""]), "abc");
  });
});
