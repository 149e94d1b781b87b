import assert from "node:assert/strict";
import { resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { waitUntil } from "../../src/lib/wait-until.js";
import { ended, Workbench } from "./support/tenki.js";
import { Tmux } from "./support/tmux.js";

interface Execution {
  readonly id: string;
  readonly state: string;
  readonly exit_code: number | null;
  readonly argv: readonly string[];
}

/** Writes a line at a time until there is a file `go`, then some more. */
const build =
  "i=0; until [ -e go ]; do i=$((i+1)); echo out $i; echo err $i >&2; sleep 0.02; done; echo done; rm go; exit 6";

describe("a detached command", () => {
  let bench: Workbench;
  before(async () => {
    bench = await Workbench.open();
    await bench.startEngine();
    await bench.ok(["sandbox", "create", "--name", "kept"]);
  });
  after(() => bench.close());
  const exec = (...args: string[]) => bench.call(["sandbox", "exec", ...args]);
  const detach = async (...args: string[]) => (await bench.ok(["sandbox", "exec", "-d", ...args])).trim();
  const go = () => bench.ok(["sandbox", "exec", "-q", "--", "touch", "go"]);

  it("prints its id alone, goes on, and is waited for, followed and read later", async () => {
    const id = await detach("-c", build);
    assert.match(id, /^[0-9a-f-]{36}$/);
    const follower = bench.spawn(["sandbox", "exec", "logs", id.slice(0, 12), "--follow"]);
    const followerEnded = ended(follower);
    const followed: Buffer[] = [];
    follower.stdout?.on("data", (chunk: Buffer) => followed.push(chunk));
    await waitUntil(() => (followed.length > 0 ? true : undefined), { timeoutMs: 20_000 });
    const waiter = bench.call(["sandbox", "exec", "wait", id]);
    const [running] = await bench.json<Execution[]>(["sandbox", "exec", "list", "--running"]);
    assert.deepEqual([running?.id, running?.state, running?.exit_code], [id, "RUNNING", null]);
    await go();
    assert.equal((await waiter).code, 6);
    assert.match((await waiter).stderr, /^status: FAILED, exit code 6, /);
    assert.equal(await followerEnded, 0);
    const logs = await exec("logs", id);
    assert.equal(logs.stdout, Buffer.concat(followed).toString());
    assert.match(logs.stdout, /^out 1\n(out \d+\n)*done\n$/);
    assert.match(logs.stderr, /^err 1\n(err \d+\n)*$/);
    assert.match((await exec("logs", id, "--tail", "1")).stdout, /^done\n$/);
    const attached = await exec("attach", "-q", id);
    assert.deepEqual([attached.code, attached.stdout, attached.stderr], [6, logs.stdout, logs.stderr]);
  });

  it("outlives who started it, however that ends, and the engine too", async () => {
    const starter = bench.spawn(["sandbox", "exec", "-d", "-c", build]);
    const starterEnded = ended(starter);
    let id = "";
    starter.stdout?.on("data", (chunk: Buffer) => {
      id += chunk.toString();
      starter.kill("SIGKILL");
    });
    await starterEnded;
    id = id.trim();
    const viewer = bench.spawn(["sandbox", "exec", "attach", "-q", id]);
    const viewerEnded = ended(viewer);
    const seen: Buffer[] = [];
    viewer.stdout?.on("data", (chunk: Buffer) => seen.push(chunk));
    await waitUntil(() => (seen.length > 0 ? true : undefined), { timeoutMs: 20_000 });
    await bench.ok(["engine", "restart"], { timeoutMs: 120_000 });
    await go();
    assert.equal(await viewerEnded, 6);
    assert.match(Buffer.concat(seen).toString(), /^out 1\n(out \d+\n)*done\n$/);
    assert.equal(Buffer.concat(seen).toString(), (await exec("logs", id)).stdout);
  });

  it("is left by Ctrl-C, and ended by a signal", async () => {
    const id = await detach("--", "sh", "-c", "echo ready; exec sleep 1000");
    const viewer = bench.spawn(["sandbox", "exec", "attach", id]);
    let said = "";
    viewer.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
    await new Promise((ready) => viewer.stdout?.once("data", ready));
    viewer.kill("SIGINT");
    assert.equal(await ended(viewer), 130);
    assert.match(said, new RegExp(`execution ${id} goes on\nhint: tenki sandbox exec attach ${id}`));
    assert.equal((await exec("wait", id, "--timeout", "200ms")).code, 5);
    await bench.ok(["sandbox", "exec", "signal", id, "--signal", "SIGINT"]);
    assert.equal((await exec("wait", "-q", id)).code, 130);
    const [newest] = await bench.json<Execution[]>(["sandbox", "exec", "list"]);
    assert.deepEqual([newest?.id, newest?.state, newest?.exit_code], [id, "FAILED", 130]);
  });

  it("takes input from who attaches, where it was started so", async () => {
    const id = await detach("-i", "--", "cat");
    const { code, stdout } = await bench.call(["sandbox", "exec", "attach", "-q", "-i", id], {
      input: "typed\n",
    });
    assert.deepEqual([code, stdout], [0, "typed\n"]);
    const deaf = await detach("--", "sleep", "1000");
    const refused = await bench.call(["sandbox", "exec", "attach", "-i", deaf], { input: "x" });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /takes no input/);
    await bench.ok(["sandbox", "exec", "signal", deaf, "--signal", "KILL"]);
    assert.equal((await exec("wait", "-q", deaf)).code, 137);
  });

  it("ends past its time, and says where it cannot be started", async () => {
    const late = await detach("--timeout", "200ms", "--", "sleep", "1000");
    assert.equal((await exec("wait", "-q", late)).code, 124);
    const missing = await exec("-d", "--", "no-such-program");
    assert.equal(missing.code, 127);
    assert.match(missing.stderr, /^error: cannot run no-such-program: .*no such file or directory\n$/);
    assert.equal((await exec("wait", "-q", missing.stdout.trim())).code, 127);
    const root = await detach("--user", "root", "--cwd", "/tmp", "-e", "A=1", "-c", "whoami; pwd; echo $A");
    assert.equal((await exec("wait", "-q", root)).code, 0);
    assert.equal((await exec("logs", root)).stdout, "root\n/tmp\n1\n");
  });

  it("gives documents with --json", async () => {
    const started = await bench.json<Execution>([
      "sandbox",
      "exec",
      "-d",
      "-c",
      "printf 'a\\377'; echo b >&2",
    ]);
    assert.deepEqual([started.state, started.argv[0]], ["RUNNING", "sh"]);
    const ended = await bench.json<Execution>(["sandbox", "exec", "wait", started.id]);
    assert.deepEqual([ended.state, ended.exit_code], ["SUCCEEDED", 0]);
    const logs = await bench.json<Record<string, string>>(["sandbox", "exec", "logs", started.id]);
    assert.deepEqual([logs["stdout"], logs["stderr"], logs["encoding"]], ["Yf8=", "Ygo=", "base64"]);
    const lines = (await bench.ok(["sandbox", "exec", "logs", "--follow", "--json", started.id]))
      .trimEnd()
      .split("\n");
    const pieces = lines.map((line) => JSON.parse(line) as { stream: string; data: string });
    assert.deepEqual(pieces.map(({ stream }) => stream).sort(), ["stderr", "stdout"]);
  });

  it("is named by the beginning of its id where that is enough", async () => {
    const all = await bench.json<Execution[]>(["sandbox", "exec", "list", "--all"]);
    assert.ok(all.length > 5);
    const ambiguous = await exec("wait", "");
    assert.equal(ambiguous.code, 2);
    const unknown = await exec("logs", "00000000-0000-4000-8000-000000000000");
    assert.equal(unknown.code, 4);
    assert.match(unknown.stderr, /^error: execution not found.*\nhint: tenki sandbox exec list --all\n$/);
    const none = await exec("signal", "ffffffff-ffff-ffff");
    assert.equal(none.code, 4);
  });
});

describe("a detached command on a terminal", () => {
  let bench: Workbench;
  let one: Tmux;
  let two: Tmux;
  before(async () => {
    bench = await Workbench.open();
    await bench.startEngine();
    await bench.ok(["sandbox", "create", "--name", "pty"]);
    one = await Tmux.open(bench.env, "-one");
    two = await Tmux.open(bench.env, "-two");
  });
  after(async () => {
    await one.close();
    await two.close();
    await bench.close();
  });
  const tenki = `${process.execPath} ${resolve("bin/tenki")}`;

  it("is seen and typed to by two at once, left by its keys, and come back to", async () => {
    await one.enter(`id=$(${tenki} sandbox exec -d -t -- bash --norc); ${tenki} sandbox exec attach $id`);
    await one.shows(/bash-[\d.]+\$/);
    await one.enter("echo from one $((40+2))");
    await one.shows(/^from one 42$/m);
    const [{ id } = { id: "" }] = await bench.json<Execution[]>(["sandbox", "exec", "list"]);
    await two.enter(`${tenki} sandbox exec attach ${id}`);
    await two.shows(/^from one 42$/m);
    await two.enter("echo from two $((50+2))");
    await one.shows(/^from two 52$/m);
    await two.shows(/^from two 52$/m);
    await two.resize(77, 22);
    const resized = await waitUntil(
      async () => {
        await two.enter("stty size");
        return /^22 77$/m.test(await two.screen()) ? true : undefined;
      },
      { timeoutMs: 20_000, intervalMs: 100 },
    );
    assert.ok(resized, await two.screen());
    await one.press("C-p");
    await one.press("C-q");
    await one.shows(new RegExp(`execution ${id} goes on: tenki sandbox exec attach`));
    await one.enter(`${tenki} sandbox exec attach ${id}`);
    await two.enter("clear; echo both $((60+2))");
    await one.shows(/^both 62$/m);
    await one.enter("exit 7");
    await one.shows(/status: FAILED, exit code 7/);
    await two.shows(/status: FAILED, exit code 7/);
  });

  it("draws a full-screen program again for who comes", async () => {
    const id = (
      await bench.ok(["sandbox", "exec", "-d", "-t", "--", "vim", "-u", "NONE", "-N", "two.txt"])
    ).trim();
    await one.enter(`clear; ${tenki} sandbox exec attach ${id}`);
    await one.shows(/~\s+~/);
    await one.type("idrawn again");
    await one.shows(/^drawn again$/m);
    await two.enter(`clear; ${tenki} sandbox exec attach ${id}`);
    await two.shows(/^drawn again$/m);
    await two.press("Escape");
    await two.enter(":wq");
    await one.shows(/local>\s*$/);
    assert.equal(await one.onAlternateScreen(), false);
    assert.equal(await bench.ok(["sandbox", "read", "--path", "two.txt"]), "drawn again\n");
  });
});
