import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { TenkiSandbox } from "@tenkicloud/sandbox";
import { GitServer } from "./support/git-server.js";
import { processArguments } from "./support/process-arguments.js";
import { type EngineStarted, ended, Workbench } from "./support/tenki.js";

const token = "ghp_planted0token0of0a0test";

describe("git", () => {
  let bench: Workbench;
  let engine: EngineStarted;
  let server: GitServer;
  before(async () => {
    bench = await Workbench.open();
    server = await GitServer.start(`x-access-token:${token}`);
    for (const place of ["public/demo", "private/demo", "held/demo"]) server.makeRepository(place);
    engine = await bench.startEngine();
  });
  after(async () => {
    await bench.close();
    await server.close();
  });
  const create = (name: string, ...flags: string[]) =>
    bench.call(["sandbox", "create", "--name", name, ...flags], { env: { MY_TOKEN: token } });
  const inside = async (name: string, line: string) => {
    const { code, stdout, stderr } = await bench.call([
      "sandbox",
      "exec",
      "-q",
      "--session",
      name,
      "-c",
      line,
    ]);
    return { code, said: stdout + stderr };
  };
  const git = (...args: string[]) => bench.call(["sandbox", "git", ...args]);

  it("clones before the session is ready, and is about that repository from then on", async () => {
    const { code, stderr } = await create("public", "--clone-repo", `${server.url}/public/demo/.git`);
    assert.equal(code, 0, stderr);
    assert.equal((await inside("public", "cat demo/README; stat -c %U demo")).said, "of README\ntenki\n");
    const log = await git("log", "-n", "1");
    assert.match(log.stdout, /^commit [0-9a-f]{40}\nAuthor: Alice[^]*add second\n$/);
    assert.equal((await git("checkout", "feature")).code, 0);
    assert.match((await git("diff", "--base", "main", "--head", "feature")).stdout, /^\+of feature$/m);
    assert.equal((await git("checkout", "-b", "mine")).code, 0);
    await inside("public", "echo more >> demo/README");
    const { output } = await bench.json<{ output: string }>(["sandbox", "git", "diff", "--path", "README"]);
    assert.match(output, /^\+more$/m);
    assert.equal((await git("checkout", "main", "--directory", "demo")).code, 0);
    assert.equal((await git("fetch-pr", "42")).code, 0);
    assert.equal(
      (await inside("public", "cat demo/request; git -C demo branch --show-current")).said,
      "of request\npr-42\n",
    );
  });

  it("says what is wrong", async () => {
    const url = `${server.url}/public/demo/.git`;
    const failure = async (pattern: RegExp, ...args: string[]) => {
      const { code, stdout, stderr } = await git(...args, "--session", "public");
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, pattern);
      assert.match(
        stderr,
        /^error: git \w+ failed \(exit_code=\d+\); check the repository, ref and access token: /,
      );
    };
    await failure(/already exists and is not an empty directory/, "clone", url);
    await failure(/nowhere/, "checkout", "nowhere");
    await failure(/not a git repository/, "log", "--directory", ".");
    await failure(/: warning: Not a git repository\.[^\n]*\n$/, "diff", "--directory", ".");
    await failure(/no-such-place/, "log", "--directory", "no-such-place");
    await failure(/not found/, "clone", `${server.url}/public/none.git`);
    await failure(
      /terminal prompts disabled/,
      "clone",
      `${server.url}/private/demo/.git`,
      "--directory",
      "x",
    );
    await failure(/Remote branch nowhere not found/, "clone", url, "--branch", "nowhere", "--directory", "y");
  });

  it("gives nothing but its own protocols a chance", async () => {
    await inside(
      "public",
      "git init -q hostile && git -C hostile remote add origin 'ext::sh -c \"touch /tmp/pwned\"'",
    );
    assert.equal((await git("fetch-pr", "1", "--directory", "hostile", "--session", "public")).code, 1);
    for (const ref of ["--upload-pack=touch /tmp/pwned", "-f"]) {
      assert.equal((await git("checkout", "--session", "public", "--", ref)).code, 2);
    }
    assert.equal((await inside("public", "ls /tmp/pwned")).code, 2);
  });

  it("fetches a shallow clone's other branches", async () => {
    const url = `${server.url}/public/demo/.git`;
    const made = await git(
      "clone",
      url,
      "--depth",
      "1",
      "--directory",
      "/workspace/shallow",
      "--session",
      "public",
    );
    assert.equal(made.code, 0, made.stderr);
    assert.equal((await git("checkout", "feature", "--session", "public")).code, 0);
    const { said } = await inside("public", "cd /workspace/shallow; cat feature; git rev-list --count HEAD");
    assert.equal(said, "of feature\n1\n");
  });

  it("uses a login in a URL once, and keeps it nowhere", async () => {
    const url = server.url.replace("//", `//x-access-token:${token}@`);
    const made = await git("clone", `${url}/private/demo/.git`, "--directory", "once", "--session", "public");
    assert.equal(made.code, 0, made.stderr);
    assert.doesNotMatch((await inside("public", "cat once/.git/config; git -C once log -1")).said, /planted/);
    const wrong = server.url.replace("//", "//bob:wrong0password@");
    const refused = await git(
      "clone",
      `${wrong}/private/demo/.git`,
      "--directory",
      "twice",
      "--session",
      "public",
    );
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /Authentication failed/);
    assert.doesNotMatch(refused.stderr, /wrong0password|bob/);
  });

  it("opens what is private with a token that only the server meant gets to see", async () => {
    const flags = ["--clone-repo", `${server.url}/private/demo/.git`, "--github-token-env", "MY_TOKEN"];
    const made = await create("private", ...flags);
    assert.equal(made.code, 0, made.stderr);
    assert.equal((await inside("private", "cat demo/README; git -C demo fetch -q origin feature")).code, 0);
    const other = `GIT_TERMINAL_PROMPT=0 git ls-remote ${server.otherUrl}/private/demo/.git`;
    assert.equal((await inside("private", other)).code, 128);
    assert.deepEqual(
      server.requests.filter((line) => line.startsWith("8081 ") && !line.endsWith(" -")),
      [],
    );
  });

  it("gives commands the token, root's and after the engine's death too", async () => {
    const both = `${token} ${token}\n`;
    assert.equal((await inside("private", "echo $GH_TOKEN $GIT_TOKEN")).said, both);
    assert.equal((await inside("private", "sudo sh -c 'echo $GH_TOKEN $GIT_TOKEN'")).said, both);
    process.kill(engine.pid, "SIGKILL");
    engine = await bench.startEngine();
    assert.equal((await inside("private", "echo $GH_TOKEN $GIT_TOKEN")).said, both);
    assert.equal((await inside("private", "git -C demo fetch -q origin feature")).code, 0);
  });

  it("shows the token to nobody", async () => {
    const outputs = [
      ...["get", "list", "create"].map((verb) => ["sandbox", verb, "-v"]),
      ["sandbox", "list", "--all", "--json"],
      ["engine", "status", "--json"],
      ["engine", "logs"],
    ];
    for (const args of outputs) {
      const { stdout, stderr } = await bench.call(args);
      assert.doesNotMatch(stdout + stderr, /planted/, args.join(" "));
    }
    for (const file of filesBelow(bench.dataDir).filter((path) => !ofSandboxes.test(path))) {
      assert.ok(!readFileSync(file).includes("planted"), file);
    }
    const leaked = await inside(
      "private",
      "cat /etc/environment /home/tenki/.bash_history; env -i cat /proc/1/environ; ls -l /run/tenki",
    );
    assert.doesNotMatch(leaked.said, /planted/);
    const { said } = await inside(
      "private",
      "stat -c '%U %a %n' /run/tenki/git-login /run/tenki/secrets.json; df --output=fstype /run/tenki/secrets.json | tail -1",
    );
    assert.equal(said, "tenki 400 /run/tenki/git-login\ntenki 400 /run/tenki/secrets.json\ntmpfs\n");
  });

  it("has the token in no program's arguments while it is used", async () => {
    const flags = ["--clone-repo", `${server.url}/held/demo/.git`, "--github-token-env", "MY_TOKEN"];
    const args = ["sandbox", "create", "--name", "held", ...flags];
    const creating = bench.spawn(args, { env: { MY_TOKEN: token } });
    await server.until(/\/held\/demo/);
    const lines = processArguments();
    assert.ok(
      lines.some((line) => line.includes("held/demo")),
      "git was not seen at all",
    );
    assert.deepEqual(
      lines.filter((line) => line.includes("planted")),
      [],
    );
    server.release();
    assert.equal(await ended(creating), 0);
  });

  it("ends the session where the clone fails, and says why without the token", async () => {
    const wrong = { MY_TOKEN: "ghp_planted0and0wrong" };
    const flags = ["--clone-repo", `${server.url}/private/demo/.git`, "--github-token-env", "MY_TOKEN"];
    const current = () => bench.ok(["config", "get", "current_session_id"]);
    const before = await current();
    const made = await bench.call(["sandbox", "create", "--name", "refused", ...flags], { env: wrong });
    assert.equal(made.code, 1);
    assert.equal(await current(), before, "what is over is not the current session");
    const live = await bench.json<{ name: string }[]>(["sandbox", "list"]);
    assert.equal(live.filter(({ name }) => name === "refused").length, 0);
    assert.match(made.stderr, /git clone failed \(exit_code=128\)[^]*Authentication failed/);
    const { state, terminal_error: why } = await bench.json<Record<string, string>>([
      "sandbox",
      "get",
      "refused",
    ]);
    assert.match(state ?? "", /^TERMINAT(ING|ED)$/);
    assert.match(
      why ?? "",
      /^git clone failed \(exit_code=128\); check the repository, ref and access token: /,
    );
    assert.doesNotMatch(
      made.stderr + why + readFileSync(join(bench.dataDir, "engine.log"), "utf8"),
      /planted/,
    );
  });

  it("works with the official SDK unchanged", async () => {
    const sdk = new TenkiSandbox({ authToken: engine.token, baseUrl: engine.endpoint });
    const session = await sdk.create({
      ...{ name: "sdk", waitTimeoutMs: 20_000, githubToken: token },
      cloneRepoUrl: `${server.url}/private/demo/.git`,
    });
    assert.match(await session.git.log({ maxCount: 1 }), /add second/);
    const directory = "/workspace/repo";
    await session.git.clone(`${server.url}/private/demo/.git`, { depth: 1, directory });
    await session.git.checkout("feature");
    assert.equal(await session.git.diff({}), "");
    await session.git.fetchPR(42, { directory, remote: "origin" });
    assert.match(await session.git.log({ maxCount: 1 }), /add request/);
    await assert.rejects(session.git.checkout("nowhere"), /git checkout failed/);
    await session.git.clone(`${server.url}/private/demo/.git`, { directory: "second" });
    await session.git.fetchPR(42, { branchPrefix: "review" });
    assert.equal(await session.git.diff({ range: "main..review-42", path: "README" }), "");
    sdk.close();
  });
});

/** Empty where the process is gone. */
/** The disks of sandboxes, and the pool that they lie in. */
const ofSandboxes = /\/(disks|pool)\/|\/pool\.img$/;

const filesBelow = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
